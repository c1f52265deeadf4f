//! Compares all readable test files and prints the verdicts.
#![allow(missing_docs)]

#[path = "../tests/support/judge.rs"]
mod judge;

fn main() {
    let data = judge::data().unwrap();
    let python = judge::python().unwrap();
    for set in ["tiff_valid", "vendor_ome"] {
        let files = judge::tiffs(&data.join(set));
        let answers = judge::ask(&python, &files);
        let mut equal = 0;
        for f in &files {
            let v = judge::verdict(f, &answers[f]);
            if v == judge::Verdict::Equal {
                equal += 1;
            } else {
                println!("{} {v:?}", f.file_name().unwrap().display());
            }
        }
        println!("{set}: {equal} of {}", files.len());
    }
}
