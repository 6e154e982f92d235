//! The pages of the project.

use std::collections::BTreeMap;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The project's, and nobody else's that lie beside them.
const FOLDERS: [&str; 5] = ["core", "std-adapter", "tests", "examples", "fuzz"];

/// Every page of the project, by its name.
pub fn pages() -> BTreeMap<String, String> {
    fn add(folder: &Path, pages: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = entry.file_name().into_string().unwrap();
            // A link is a page that has a name already.
            let is_ours = folder != Path::new(ROOT) || FOLDERS.contains(&&*name);
            if kind.is_dir() && is_ours && name != "target" && name != "corpus" {
                add(&path, pages);
            } else if kind.is_file() && name.ends_with(".md") {
                let name = path.strip_prefix(ROOT).unwrap().to_str().unwrap();
                pages.insert(name.to_owned(), std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut pages = BTreeMap::new();
    add(Path::new(ROOT), &mut pages);
    pages
}
