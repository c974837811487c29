"""The parts of bench/run, in the order of use: setup, command, measure, agree, clusters, scores, ranked, tables, plot, page."""
