//! Running other programs: with a sentence when they fail, and with a time limit when they use the network.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How many lines of a failed program's output an error repeats.
const TAIL: usize = 12;

/// The `cargo` that runs this task, so that a task never mixes two toolchains.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The command as a person would type it.
pub fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Whether a program of this name can be found in `PATH`.
pub fn in_path(program: &str) -> bool {
    find_in_path(program).is_some()
}

/// The first program of this name in `PATH`.
pub fn find_in_path(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs a command whose output belongs on the screen.
///
/// # Errors
/// When the program cannot be started or ends with anything but success.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("could not start `{}`", describe(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", describe(command));
    }
    Ok(())
}

/// Runs a command and returns what it wrote to standard output.
///
/// # Errors
/// When the program cannot be started or fails (with the last lines it wrote to standard error), or when its output
/// is not UTF-8.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start `{}`", describe(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}:\n{}", describe(command), output.status, last_lines(&said));
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` wrote something that is not UTF-8", describe(command)))
}

/// Runs a command that may hang on a network, for at most `limit`; all it says goes to the file `log`.
///
/// # Errors
/// When the program cannot be started, fails, or is still running after `limit` (it is then killed). The error repeats
/// the last lines of the log and names it.
pub fn run_logged(command: &mut Command, log: &Path, limit: Duration) -> Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("could not make the folder {}", folder.display()))?;
    }
    let file = File::create(log).with_context(|| format!("could not write the log {}", log.display()))?;
    let twin = file.try_clone().context("could not share the log between standard output and error")?;
    command.stdin(Stdio::null()).stdout(file).stderr(twin);
    let mut child = command.spawn().with_context(|| format!("could not start `{}`", describe(command)))?;
    let started = Instant::now();
    let status: Option<ExitStatus> = loop {
        if let Some(status) = child.try_wait().context("could not wait for a program")? {
            break Some(status);
        }
        if started.elapsed() > limit {
            child
                .kill()
                .and_then(|()| child.wait())
                .context("could not stop a program that took too long")?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let why = match status {
        Some(status) if status.success() => return Ok(()),
        Some(status) => format!("ended with {status}"),
        None => format!("was stopped after {} s without an end", limit.as_secs()),
    };
    let said = fs::read(log).unwrap_or_default();
    bail!(
        "`{}` {why}; the whole log is {}:\n{}",
        describe(command),
        log.display(),
        last_lines(&String::from_utf8_lossy(&said))
    )
}

/// What a person needs of a failed program's output: the lines that call themselves errors, else the last ones.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let errors: Vec<&str> = lines.iter().copied().filter(|line| is_error(line)).collect();
    let chosen = if errors.is_empty() { lines } else { errors };
    let first = chosen.len().saturating_sub(TAIL);
    chosen.iter().skip(first).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// Whether a line begins as the error lines of cargo, rustup, git, pip and apt do.
fn is_error(line: &str) -> bool {
    let line = line.trim_start().to_ascii_lowercase();
    ["error", "fatal:", "e: "].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("parfocal-xtask-{}-{name}", std::process::id()))
    }

    #[test]
    fn a_program_that_hangs_is_stopped_and_named() {
        let log = log("hang");
        let error =
            run_logged(Command::new("sleep").arg("600"), &log, Duration::from_millis(50)).unwrap_err();
        fs::remove_file(&log).unwrap();
        assert!(error.to_string().contains("`sleep 600` was stopped"), "{error}");
    }

    #[test]
    fn of_a_long_output_the_errors_are_repeated() {
        let output = "WARNING: retrying\nERROR: no such package\n  1: main\n  2: start\n";
        assert_eq!(last_lines(output), "  ERROR: no such package");
        assert_eq!(last_lines("one\n\ntwo\n"), "  one\n  two");
    }

    #[test]
    fn a_failing_program_shows_its_last_words() {
        let log = log("fail");
        let mut command = Command::new("sh");
        command.args(["-c", "echo the disk is full >&2; exit 3"]);
        let error = run_logged(&mut command, &log, Duration::from_secs(60)).unwrap_err();
        fs::remove_file(&log).unwrap();
        assert!(error.to_string().contains("the disk is full"), "{error}");
    }
}
