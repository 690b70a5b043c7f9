//! Rebuilds this package when a migration file is added or changed; the files are embedded at compile time.

fn main() {
    println!("cargo:rerun-if-changed=.");
    println!("cargo:rerun-if-changed=build.rs");
}
