//! Probabilities as they are told: never 0 and never 1, because nobody is certain, in answers as in words.

use crate::insights::answer::rounded;

/// The least and the greatest that is told.
const BOUNDS: (f64, f64) = (0.0001, 0.9999);

/// A stored probability to four places; none for what is no finite number.
pub fn told(stored: f32) -> Option<f64> {
    rounded(stored, 4).map(|probability| probability.clamp(BOUNDS.0, BOUNDS.1))
}

/// A probability in words: "27.1 %", "under 0.1 %", "over 99.9 %".
pub fn written(probability: f64) -> String {
    if probability < 0.001 {
        return "under 0.1 %".to_owned();
    }
    if probability > 0.999 {
        return "over 99.9 %".to_owned();
    }
    let percent = probability * 100.0;
    // A small one has a second place where one would say something else: 0.14 is not 0.1.
    let of_one = format!("{percent:.1}");
    let is_far = of_one.parse::<f64>().is_ok_and(|read| (read - percent).abs() > percent * 0.04);
    let percent = if is_far { format!("{percent:.2}") } else { of_one };
    format!("{} %", percent.strip_suffix(".0").unwrap_or(&percent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn they_are_written_as_people_do() {
        let all =
            [0.0, 0.0001, 0.001, 0.0014, 0.004, 0.27, 0.2714, 0.5, 0.996, 0.999, 0.9996, 1.0].map(written);
        assert_eq!(
            all,
            [
                "under 0.1 %",
                "under 0.1 %",
                "0.1 %",
                "0.14 %",
                "0.4 %",
                "27 %",
                "27.1 %",
                "50 %",
                "99.6 %",
                "99.9 %",
                "over 99.9 %",
                "over 99.9 %"
            ]
        );
        assert_eq!(
            [told(0.0), told(1.0), told(0.27), told(f32::NAN)],
            [Some(0.0001), Some(0.9999), Some(0.27), None]
        );
    }

    proptest! {
        #[test]
        fn none_is_told_as_certain(stored in 0.0_f32..=1.0, probability in 0.0_f64..=1.0) {
            let told = told(stored).expect("a number");
            prop_assert!(told > 0.0 && told < 1.0 && (told - f64::from(stored)).abs() < 0.000_151);
            for probability in [told, probability] {
                let written = written(probability);
                prop_assert!(!written.starts_with("0 ") && !written.starts_with("100") && !written.starts_with("0.0"), "{}", written);
            }
        }
    }
}
