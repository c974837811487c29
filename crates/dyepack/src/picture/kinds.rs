//! What can become of value, in the order in which bars show it. Each kind has a colour, a word and
//! an icon, so that it is told apart without colour too.

use taint::Where;

use super::theme::Theme;

/// A kind of segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Service,
    SuspectedService,
    Swap,
    Bridge,
    Mixer,
    /// Fees and burned: gone for everybody.
    Lost,
    Untraced,
    ConvertedOut,
    MovedOn,
    Stays,
    /// Arrived and is nowhere: the conservation is broken.
    Missing,
    /// Is somewhere and never arrived: the conservation is broken.
    Excess,
}

/// How the area of a segment is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    Solid,
    /// Pale, with a dashed edge: inferred, not known.
    Dashed,
    Hatched,
    /// Empty, with an edge: it goes on in another picture.
    Outlined,
}

/// An icon on a square of 100 by 100: path data, and whether it is filled or drawn with a pen.
pub(super) struct Icon {
    pub(super) path: &'static str,
    pub(super) filled: bool,
}

impl Kind {
    /// All but the two of broken conservation.
    pub(super) const SOUND: [Kind; 10] = [
        Kind::Service,
        Kind::SuspectedService,
        Kind::Swap,
        Kind::Bridge,
        Kind::Mixer,
        Kind::Lost,
        Kind::Untraced,
        Kind::ConvertedOut,
        Kind::MovedOn,
        Kind::Stays,
    ];

    pub(super) fn of(end: Where) -> Kind {
        match end {
            Where::Unspent => Kind::Stays,
            Where::Service => Kind::Service,
            Where::SuspectedService => Kind::SuspectedService,
            Where::Mixer => Kind::Mixer,
            Where::Bridge => Kind::Bridge,
            Where::Swap => Kind::Swap,
            Where::Fee | Where::Burned => Kind::Lost,
            Where::Untraced => Kind::Untraced,
        }
    }

    /// The name in classes, test ids and keys of texts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Service => "service",
            Kind::SuspectedService => "suspected-service",
            Kind::Swap => "swap",
            Kind::Bridge => "bridge",
            Kind::Mixer => "mixer",
            Kind::Lost => "fee-burned",
            Kind::Untraced => "untraced",
            Kind::ConvertedOut => "converted-out",
            Kind::MovedOn => "moved-on",
            Kind::Stays => "unspent",
            Kind::Missing => "missing",
            Kind::Excess => "excess",
        }
    }

    /// The key of its name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Kind::Service => "picture.kind.service",
            Kind::SuspectedService => "picture.kind.suspected-service",
            Kind::Swap => "picture.kind.swap",
            Kind::Bridge => "picture.kind.bridge",
            Kind::Mixer => "picture.kind.mixer",
            Kind::Lost => "picture.kind.fee-burned",
            Kind::Untraced => "picture.kind.untraced",
            Kind::ConvertedOut => "picture.kind.converted-out",
            Kind::MovedOn => "picture.kind.moved-on",
            Kind::Stays => "picture.kind.unspent",
            Kind::Missing => "picture.kind.missing",
            Kind::Excess => "picture.kind.excess",
        }
    }

    /// The key of the one word that stands beside a number.
    pub(super) fn beside(self) -> &'static str {
        match self {
            Kind::Service => "picture.at.service",
            Kind::SuspectedService => "picture.at.suspected-service",
            Kind::Swap => "picture.at.swap",
            Kind::Bridge => "picture.at.bridge",
            Kind::Mixer => "picture.at.mixer",
            Kind::Lost => "picture.at.fee-burned",
            Kind::Untraced => "picture.at.untraced",
            Kind::ConvertedOut => "picture.at.converted-out",
            Kind::MovedOn => "picture.at.moved-on",
            Kind::Stays => "picture.at.unspent",
            Kind::Missing => "picture.at.missing",
            Kind::Excess => "picture.at.excess",
        }
    }

    pub(super) fn colour(self, theme: Theme) -> &'static str {
        let palette = theme.palette();
        match self {
            Kind::Service | Kind::SuspectedService => palette.service,
            Kind::Swap => palette.swap,
            Kind::Bridge => palette.bridge,
            Kind::Mixer => palette.mixer,
            Kind::Lost => palette.lost,
            Kind::Untraced | Kind::ConvertedOut => palette.open,
            Kind::MovedOn => palette.moved_on,
            Kind::Stays => palette.unspent,
            Kind::Missing | Kind::Excess => palette.theft,
        }
    }

    pub(super) fn fill(self) -> Fill {
        match self {
            Kind::SuspectedService => Fill::Dashed,
            Kind::Untraced | Kind::Missing | Kind::Excess => Fill::Hatched,
            Kind::ConvertedOut => Fill::Outlined,
            _ => Fill::Solid,
        }
    }

    pub(super) fn icon(self) -> Icon {
        let (path, filled) = match self {
            Kind::Service => (
                "M50 4L98 36H2ZM10 42H26V80H10ZM42 42H58V80H42ZM74 42H90V80H74ZM2 84H98V98H2Z",
                true,
            ),
            Kind::SuspectedService => ("M26 34C26 0 76 2 76 32C76 54 50 50 50 70M50 90V92", false),
            Kind::Swap => ("M6 32H90M66 8L92 32L66 56M94 72H10M34 50L8 72L34 96", false),
            Kind::Bridge => ("M4 46H96M18 20V90M82 20V90M18 24C36 52 64 52 82 24", false),
            Kind::Mixer => ("M4 20C54 20 46 80 96 80M4 80C54 80 46 20 96 20", false),
            Kind::Lost => (
                "M52 2C58 26 88 40 88 66C88 86 70 98 50 98C30 98 12 86 12 66C12 50 24 42 30 28\
                 C38 40 52 32 52 2Z",
                true,
            ),
            Kind::Untraced => ("M8 50H10M49 50H51M90 50H92", false),
            Kind::ConvertedOut => ("M40 14H12V88H86V60M58 8H92V42M90 10L48 52", false),
            Kind::MovedOn => ("M4 50H92M60 18L94 50L60 82", false),
            Kind::Stays => ("M8 22H92V88H8ZM92 44H62V66H92", false),
            Kind::Missing => ("M50 6V60M50 88V90", false),
            Kind::Excess => ("M10 50H90M50 10V90", false),
        };
        Icon { path, filled }
    }
}

/// The theft itself, where value enters the picture.
pub(super) const THEFT: Icon = Icon { path: "M50 2L98 50L50 98L2 50Z", filled: true };
/// Value that came out of a conversion.
pub(super) const CONVERTED_IN: Icon =
    Icon { path: "M60 14H88V88H14V60M12 12L54 54M54 22V56H20", filled: false };
