//! Puts the built web app into the program: the page and its assets as they are and as Vite's build packed them.
//!
//! Nothing is compressed here: build scripts are not optimised, and brotli would take a minute. Where `ui/dist` is not
//! built the list is empty, and the page says how to build it (`src/ui.rs`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    // Asked for when this runs: a target folder may serve several checkouts.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the folder");
    let dist = Path::new(&manifest).join("../ui/dist");
    // Cargo has to have something to watch: a path that is missing would make it run this each time.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the folder"));
    fs::write(out.join("ui.rs"), code(&dist)).expect("the folder of cargo can be written");
}

fn code(dist: &Path) -> String {
    let page = included(&dist.join("index.html"));
    let mut code = format!("const PAGE: Option<&[u8]> = {page};\nconst ASSETS: &[Asset] = &[\n");
    let mut names: Vec<String> = fs::read_dir(dist.join("assets"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.ends_with(".br") && !name.ends_with(".gz"))
        .collect();
    names.sort();
    for name in names {
        let path = dist.join("assets").join(&name);
        let packed = |ending: &str| included(&dist.join("assets").join(format!("{name}.{ending}")));
        let (plain, brotli, gzip) = (path.display().to_string(), packed("br"), packed("gz"));
        let _ = writeln!(
            code,
            "    Asset {{ name: {name:?}, plain: include_bytes!({plain:?}), brotli: {brotli}, gzip: {gzip} }},"
        );
    }
    code + "];\n"
}

fn included(path: &Path) -> String {
    if path.is_file() {
        format!("Some(include_bytes!({:?}))", path.display().to_string())
    } else {
        "None".to_owned()
    }
}
