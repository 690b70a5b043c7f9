//! All that is wrong with the settings of a process. Reading goes on after a wrong one, with a stand-in for its value, so that
//! whoever runs the process is told of every one at once rather than of the next at every start.

use crate::SettingError;

/// The faults that were found so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<SettingError>);

impl Faults {
    /// The value, when it is sound. Otherwise its fault is kept.
    pub fn keep<T>(&mut self, read: Result<T, SettingError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(fault) => {
                self.0.push(fault);
                None
            }
        }
    }

    /// The same with a stand-in, which nothing is ever run with. It should be one by which no other setting is refused: that
    /// one may be right.
    pub fn or<T>(&mut self, read: Result<T, SettingError>, stand_in: T) -> T {
        self.keep(read).unwrap_or(stand_in)
    }

    /// The same where any value will do.
    pub fn or_default<T: Default>(&mut self, read: Result<T, SettingError>) -> T {
        self.keep(read).unwrap_or_default()
    }

    /// What was read, when nothing is wrong.
    ///
    /// # Errors
    /// All that is wrong, in the order in which it was found.
    ///
    /// # Panics
    /// Nothing was read and nothing is wrong.
    pub fn none_with<T>(self, read: Option<T>) -> Result<T, Vec<SettingError>> {
        match self.0.is_empty() {
            true => Ok(read.expect("what is missing in the settings was told")),
            false => Err(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::invalid;

    #[test]
    fn reading_goes_on_and_every_fault_is_told_in_its_order() {
        let mut faults = Faults::default();
        assert_eq!(faults.or(Ok(7), 1), 7);
        assert_eq!(faults.or(Err(invalid("A", "x", "a number")), 1), 1);
        assert_eq!(faults.or_default::<u8>(Err(invalid("B", "y", "a number"))), 0);
        assert_eq!(faults.keep::<u8>(Err(invalid("C", "z", "a number"))), None);
        let told = faults.none_with(Some(())).expect_err("three faults");
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        let said = ["A", "B", "C"].into_iter().zip(["x", "y", "z"]);
        let said: Vec<String> =
            said.map(|(name, value)| format!("{name} is {value:?}; it should be a number")).collect();
        assert_eq!(told, said);
    }

    #[test]
    fn without_a_fault_there_are_the_settings() {
        assert_eq!(Faults::default().none_with(Some(7)).ok(), Some(7));
    }
}
