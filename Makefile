# The two commands are `make demo` and `make test`; each does its own set-up.
# A persistent target folder keeps later builds short.
CARGO_TARGET_DIR ?= $(HOME)/.cache/dyepack/target
export CARGO_TARGET_DIR
DYEPACK := $(CARGO_TARGET_DIR)/release/dyepack

.PHONY: demo install test build tools lint unit fuzz-short bench soak mutants fmt clean

# The main job on the shipped real case: no network beyond package registries.
demo: build
	@$(DYEPACK) demo demo

# The program on the PATH, as far as cargo's folder of programs is on it.
install:
	cargo install --path crates/dyepack --locked

build:
	cargo build --release --locked -p dyepack

# Everything that must hold.
test: tools lint unit fuzz-short

# What tests use beside Rust: a C++ compiler and perl for the fuzz targets, `script` for a terminal.
tools:
	@missing=; for pair in c++:g++ perl:perl script:bsdutils; do \
	    command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair#*:}"; done; \
	if [ -n "$$missing" ]; then \
	    as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	    $$as_root apt-get update -qq && $$as_root apt-get install -y -qq --no-install-recommends $$missing; \
	fi

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

unit:
	cargo test --workspace --locked

# Each fuzz target for a few seconds; `make soak` gives them ten minutes each.
fuzz-short:
	fuzz/run 10

# Peers and plots; docs/performance.md is written by it.
bench:
	bench/run

# Fuzzing, random ledgers, kills, failing disks and mutants at full length.
soak: mutants
	DYEPACK_LEDGERS=200000 cargo test --release -p taint
	DYEPACK_KILLS=200 cargo test --release -p archive -p dyepack --test kill
	DYEPACK_SIMULATIONS=3000 cargo test --release -p archive --test simulation
	fuzz/run 600

mutants:
	cargo run -q -p xtask -- mutants

fmt:
	cargo fmt --all
