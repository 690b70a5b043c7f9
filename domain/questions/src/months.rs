//! The names of the months, as questions name them and as answers write them.

/// From January on.
pub const NAMES: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Letters of the shortest form: "Jan", and "Sept" beside "Sep".
pub const SHORTEST: usize = 3;
