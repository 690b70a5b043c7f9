//! Two types of one name would be one schema in the API's description, and one of them described wrongly.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_schema_has_a_name_of_its_own() {
    let mut places: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    note_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut places);
    assert!(places.len() > 100, "the sources were not understood: {} schemas", places.len());
    let doubled: Vec<_> = places.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(doubled.is_empty(), "give one another name: {doubled:#?}");
}

fn note_folder(folder: &Path, places: &mut BTreeMap<String, Vec<PathBuf>>) {
    for entry in fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            note_folder(&path, places);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            for name in schemas(&fs::read_to_string(&path).expect("a source")) {
                places.entry(name).or_default().push(path.clone());
            }
        }
    }
}

/// The names of types that derive a schema, as they are described.
fn schemas(source: &str) -> Vec<String> {
    let (mut names, mut derives, mut described_as) = (Vec::new(), false, None);
    for line in source.lines().map(str::trim) {
        if line.contains("ToSchema") && (line.starts_with("#[derive(") || line.ends_with(")]")) {
            derives = true;
        }
        if let Some((_, name)) = line.split_once("schema(as = ") {
            described_as = name.split([',', ')']).next().map(str::to_owned);
        }
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        if derives && !line.starts_with("//") && words.any(|word| word == "struct" || word == "enum") {
            let name = described_as.take().or_else(|| words.next().map(str::to_owned));
            names.extend(name);
            derives = false;
        }
    }
    names
}
