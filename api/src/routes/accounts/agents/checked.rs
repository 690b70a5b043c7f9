//! What may be said of a person, and what cannot be stored of one.

use accounts::people::logins::LoginError;

use crate::web::problem::Problem;

/// Departments, skills and languages that one person may have.
const MAX_WORDS: usize = 50;

pub(super) fn login_problem(error: LoginError) -> Problem {
    match error {
        LoginError::EmailTaken => Problem::conflict(error.to_string()).at("email"),
        LoginError::BadName => Problem::bad_request("name", error.to_string()),
        LoginError::LastAdmin => Problem::conflict(error.to_string()),
        LoginError::Db(error) => error.into(),
    }
}

pub(super) fn checked_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let fits = (1..=200).contains(&name.chars().count()) && !name.contains(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(Problem::bad_request("name", "must have 1 to 200 characters on one line"))
    }
}

pub(super) fn words(field: &'static str, words: Option<Vec<String>>) -> Result<Option<Vec<String>>, Problem> {
    let Some(words) = words else { return Ok(None) };
    let mut kept: Vec<String> = words.iter().map(|word| word.trim().to_lowercase()).collect();
    kept.sort();
    kept.dedup();
    let is_word =
        |word: &String| (1..=60).contains(&word.chars().count()) && !word.contains(char::is_control);
    if kept.len() <= MAX_WORDS && kept.iter().all(is_word) {
        return Ok(Some(kept));
    }
    Err(Problem::bad_request(field, "must be at most 50 words of 1 to 60 characters"))
}

pub(super) fn languages(codes: Option<Vec<String>>) -> Result<Option<Vec<String>>, Problem> {
    let codes = words("languages", codes)?;
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    if codes.iter().flatten().all(is_code) {
        return Ok(codes);
    }
    Err(Problem::bad_request("languages", "must be ISO 639-1 codes such as en or de"))
}

pub(super) fn capacity(capacity: Option<i32>) -> Result<Option<i32>, Problem> {
    match capacity {
        Some(units) if !(1..=50).contains(&units) => {
            Err(Problem::bad_request("capacity", "must be a whole number from 1 to 50"))
        }
        other => Ok(other),
    }
}
