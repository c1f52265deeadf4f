//! Writes the table of `docs/formats.md`: reads every real file next to tifffile and says which are equal.
//! `--check` writes nothing and fails when the table is stale.

#[path = "../tests/support/format_table.rs"]
mod format_table;
#[path = "../tests/support/judge.rs"]
mod judge;

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(data) = judge::data() else {
        println!("skipped: the folder of real data is not there");
        return ExitCode::SUCCESS;
    };
    let python = match judge::python() {
        Ok(python) => python,
        Err(why) => {
            println!("skipped: {why}");
            return ExitCode::SUCCESS;
        }
    };
    let rows = format_table::rows(&data, &python);
    let path = format_table::page();
    let fresh = std::fs::read_to_string(&path)
        .ok()
        .and_then(|page| Some((format_table::replaced(&page, &format_table::table(&rows))? == page, page)));
    let Some((is_fresh, page)) = fresh else {
        eprintln!("docs/formats.md has no place for the table");
        return ExitCode::FAILURE;
    };
    let wrong = rows.iter().filter(|row| row.is_wrong()).inspect(|row| eprintln!("{row:?}")).count();
    if std::env::args().any(|argument| argument == "--check") {
        if !is_fresh {
            eprintln!("docs/formats.md is stale: run `{}`", format_table::COMMAND);
        }
        return if is_fresh && wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let text = format_table::replaced(&page, &format_table::table(&rows)).unwrap_or(page);
    match std::fs::write(&path, text) {
        Ok(()) if wrong == 0 => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("docs/formats.md cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}
