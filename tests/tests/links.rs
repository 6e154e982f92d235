//! Every link on a page leads somewhere: to a file or a folder of the project, and to a heading if it names one.
//!
//! The guide's links to items of the crates (`crate::…`) are rustdoc's, which refuses broken ones; those to other hosts are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use tidegate_tests::pages;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn events(page: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(page, Options::ENABLE_TABLES)
}

/// Where a page's links lead and its images lie.
fn targets(page: &str) -> Vec<String> {
    let targets = events(page).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        Event::Html(html) | Event::InlineHtml(html) => panic!("a page has no HTML: {html}"),
        _ => None,
    });
    targets.map(|target| target.to_string()).collect()
}

/// The anchors of a page's headings, as code hosts make them: in lower case, a `-` for each space, and no other mark.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading = None;
    for event in events(page) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::Text(text) | Event::Code(text), Some(heading)) => heading.push_str(&text),
            (Event::End(TagEnd::Heading(_)), _) => {
                let heading = heading.take().unwrap().to_lowercase().replace(' ', "-");
                let is_kept = |it: &char| it.is_alphanumeric() || "-_".contains(*it);
                let anchor: String = heading.chars().filter(is_kept).collect();
                // The second of the same name has a number behind it; none is linked.
                anchors.insert(anchor);
            }
            _ => {}
        }
    }
    anchors
}

/// `docs/../page.md` is `page.md`; nothing is above the root.
fn plain(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.iter().map(|part| part.to_str().unwrap()) {
        match part {
            ".." => drop(parts.pop()?),
            "." => {}
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn leads_somewhere(pages: &BTreeMap<String, String>, from: &str, target: &str) -> bool {
    let is_item = from.starts_with("std-adapter/src/guide/") && target.contains("::");
    if is_item || target.starts_with("https://") {
        return true;
    }
    let (file, anchor) = match target.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (target, None),
    };
    let file = match file {
        "" => Some(from.to_owned()),
        _ => plain(&Path::new(from).parent().unwrap().join(file)),
    };
    let Some(file) = file else {
        return false;
    };
    match anchor {
        Some(anchor) => pages
            .get(&file)
            .is_some_and(|page| anchors(page).contains(anchor)),
        None => Path::new(ROOT).join(file).exists(),
    }
}

/// The links of these pages that lead nowhere.
fn broken(pages: &BTreeMap<String, String>) -> Vec<String> {
    let links = pages
        .iter()
        .flat_map(|(name, page)| targets(page).into_iter().map(move |target| (name, target)));
    let broken = links.filter(|(name, target)| !leads_somewhere(pages, name, target));
    broken
        .map(|(name, target)| format!("{name}: {target}"))
        .collect()
}

#[test]
fn every_link_and_image_on_a_page_leads_to_a_file_and_a_heading_that_exist() {
    let pages = pages();
    let readme = targets(&pages["README.md"]);
    assert!(readme.contains(&"examples/scope/screenshot.png".to_owned()) && readme.len() > 15);
    let found = broken(&pages);
    assert!(found.is_empty(), "these lead nowhere: {found:#?}");
}

#[test]
fn a_link_that_leads_nowhere_is_found_wherever_it_stands() {
    let broken_on = |page: &str, links: &str| {
        let pages = [("README.md", "# `b` is: A, heading\n"), (page, links)];
        let pages = pages.map(|(name, page)| (name.to_owned(), page.to_owned()));
        broken(&BTreeMap::from(pages))
    };
    let broken = |links: &str| broken_on("tests/CONTRACT.md", links);
    for page in [
        "[a](planted.md)",
        "| a |\n| --- |\n| [`a`](planted.md) |\n",
        "![a](planted.png)",
        "[a\nb](../tests/planted/)",
        "[a][b]\n\n[b]: planted.md\n",
        "[a](#planted)",
        "[a](../README.md#planted)",
        "[a](../README.md#b-is:-a,-heading)",
        "[a](../src#b-is-a-heading)",
        "[a](../../README.md)",
        "[a](README.md)",
        "[a](/planted)",
        "[a](http://example.org)",
        "[a](crate::ZmqStream)",
    ] {
        assert_eq!(broken(page).len(), 1, "{page}");
    }
    for page in [
        "[a](../README.md)",
        "[a](../README.md#b-is-a-heading)",
        "# C\n[a](#c)",
        "[a](peers) and [b](peers/)",
        "[a](FAULTS.md) ![b](../examples/scope/screenshot.png)",
        "[a](https://example.org/planted)",
        "```rust\nlet a = b[0](planted);\n```\n",
        "`[a](planted)`",
    ] {
        assert_eq!(broken(page), Vec::<String>::new(), "{page}");
    }
    let in_guide = broken_on("std-adapter/src/guide/closing.md", "[a](crate::ZmqStream)");
    assert!(in_guide.is_empty());
}
