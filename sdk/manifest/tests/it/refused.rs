use parfocal_manifest::Manifest;
use parfocal_types::{Error, ErrorKind};

use crate::FULL;

/// Replaces the first `from` of the full manifest, and holds the refusal against what it must say.
struct Wrong {
    from: &'static str,
    to: &'static str,
    /// The text at which the refusal must point.
    at: &'static str,
    message: &'static str,
    remedy: &'static str,
}

const fn wrong(
    from: &'static str,
    to: &'static str,
    at: &'static str,
    message: &'static str,
    remedy: &'static str,
) -> Wrong {
    Wrong { from, to, at, message, remedy }
}

#[rustfmt::skip]
const WRONG: &[Wrong] = &[
    wrong("manifest-version = 1", "manifest-version = 2", "2", "the manifest is of version 2, this Parfocal reads version 1", "update Parfocal"),
    wrong("manifest-version = 1", "manifest-version = 0", "0", "there is no manifest version 0", "manifest-version = 1"),
    wrong("manifest-version = 1", "", "", "the manifest has no `manifest-version`", "begin with"),
    wrong("manifest-version = 1", "manifest-version = \"1\"", "\"1\"", "`manifest-version` is text, where a whole number belongs", "whole number"),
    wrong("[plugin]", "[plugins]", "plugins", "there is no key `plugins` at the top of the manifest", "did you mean `plugin`?"),
    wrong("version = \"1.2.3-beta.1\"", "", "[plugin]", "[plugin] has no `version`", "add `version`"),
    wrong("\"1.2.3-beta.1\"", "\"1.2\"", "\"1.2\"", "`version` in [plugin] is `1.2`, which is not a semver", "three numbers"),
    wrong("org.example.full", "Full", "\"Full\"", "`id` in [plugin]: `Full` is not a plugin id", "backwards"),
    wrong("MIT OR Apache-2.0", "MIT or so", "\"MIT or so\"", "`MIT or so` is not an SPDX licence expression", "spdx.org"),
    wrong("\"Every key\"", "\"\"", "\"\"", "`name` in [plugin] is empty", "one line"),
    wrong("\"Every key\"", "\"a\\u001b[2J\"", "\"a\\u001b[2J\"", "`name` in [plugin] has line breaks or control characters", "plain text"),
    wrong("\"Every key\"", "7", "7", "`name` in [plugin] is a whole number, where text in quotes belongs", "text in quotes"),
    wrong("https://example.org/full", "example.org", "\"example.org\"", "`homepage` in [plugin] is `example.org`, which is not a web address", "https://"),
    wrong("authors = [", "authors = \"Ada\"\nx-a = [", "\"Ada\"", "`authors` in [plugin] is text, where a list in [ ] belongs", "[ ]"),
    wrong("x-menu", "menu", "menu", "there is no key `menu` in [plugin]", "start with `x-`"),
    wrong("\"512 MiB\"", "\"512 MB\"", "\"512 MB\"", "`512 MB` is not an amount of memory", "KiB, MiB"),
    wrong("\"512 MiB\"", "\"2 TiB\"", "\"2 TiB\"", "`memory` in [limits] is 2 TiB; it must lie between 1 MiB and 1 TiB", "one instance"),
    wrong("call-seconds = 30", "call-seconds = 0.0", "0.0", "`call-seconds` in [limits] is 0; it must be more than 0", "call-seconds = 30"),
    wrong("call-seconds = 30", "call-seconds = nan", "nan", "`call-seconds` in [limits] is not a finite number", "ordinary number"),
    wrong("own-process = true", "own-process = false", "false", "a plugin can ask for more isolation, never for less", "remove the line"),
    wrong("kind = \"files\"", "kind = \"all\"", "\"all\"", "there is no permission of kind `all`", "files, network, serial"),
    wrong("~/calibration", "~/*", "\"~/*\"", "`path` in [[permission]] `files` is `~/*`, which is a wildcard", "one directory"),
    wrong("~/calibration", "/", "\"/\"", "is `/`, which is everything there is", "one directory"),
    wrong("\"read\"", "\"all\"", "\"all\"", "`access` in [[permission]] `files` does not know `all`", "one of read, write"),
    wrong("licence.example.org", "*.example.org", "\"*.example.org\"", "which is a wildcard", "one host"),
    wrong("port = 443", "port = 0", "0", "`port` in [[permission]] `network` is 0; it must lie between 1 and 65535", "one port"),
    wrong("/dev/ttyUSB0", "/dev/tty*", "\"/dev/tty*\"", "which is a wildcard", "one port"),
    wrong("reason = \"Talks to the shutter.\"", "", "[[permission]]", "the permission to use the serial port /dev/ttyUSB0 has no `reason`", "tells the user why"),
    wrong(">=1.2, <3", "newest", "\"newest\"", "`version` in [[model]] `org.example.models/nuclei` is `newest`, which is not a range of versions", "^1"),
    wrong("org.example.models/nuclei", "org..x", "\"org..x\"", "`org..x` is not a model id", "models list"),
    wrong("lane = \"wasm\"", "lane = \"wasn\"", "\"wasn\"", "`lane` in [[artifact]] `wasn` does not know `wasn`", "did you mean `wasm`?"),
    wrong("target = \"x86_64-unknown-linux-gnu\"", "", "\"native\"", "this artifact does not say which", "add `target`"),
    wrong("lane = \"wasm\"", "lane = \"wasm\"\ntarget = \"wasm32-wasip2\"", "\"wasm32-wasip2\"", "WASM code runs on every system", "remove `target`"),
    wrong("interpreter = \"python3\"", "", "\"program\"", "a program is run by an interpreter, and this artifact does not say which", "add `interpreter = \"python3\"`"),
    wrong("\"python3\"", "\"python\"", "\"python\"", "`interpreter` in [[artifact]] `program` does not know `python`", "did you mean `python3`?"),
    wrong("\"python3\"", "\"/bin/sh\"", "\"/bin/sh\"", "does not know `/bin/sh`", "write one of python3"),
    wrong("interpreter = \"python3\"", "interpreter = \"python3\"\ntarget = \"x86_64-linux-gnu\"", "\"x86_64-linux-gnu\"", "a program runs wherever its interpreter does", "remove `target`"),
    wrong("lane = \"wasm\"", "lane = \"wasm\"\ninterpreter = \"python3\"", "\"python3\"", "wasm code has no interpreter", "remove `interpreter`"),
    wrong("x86_64-unknown-linux-gnu", "linux", "\"linux\"", "`linux` is not a target triple", "rustc -vV"),
    wrong("lib/libfull.so", "../libfull.so", "\"../libfull.so\"", "`../libfull.so` is not a path inside the package", "without `..`"),
    wrong("lib/libfull.so", "/usr/lib/libfull.so", "\"/usr/lib/libfull.so\"", "is not a path inside the package", "relative to plugin.toml"),
    wrong("ba7816bf", "BA7816BF", "\"BA7816BF8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"", "is not a sha256", "parfocal build"),
    wrong("\"operator/1\"", "\"operator\"", "\"operator\"", "`operator` is not an interface version", "operator/1"),
    wrong("\"operator/1\"", "\"operator/1-draft.2\"", "\"operator/1-draft.2\"", "`operator/1-draft.2` stands here twice", "remove one"),
    wrong("[\"operator/1-draft.2\", \"operator/1\"]", "[]", "[]", "the artifact speaks no interface", "built for"),
    wrong("id = \"top-hat\"", "id = \"topHat\"", "\"topHat\"", "`id` in [[operator]] `topHat` is `topHat`, which is not kebab-case", "lower case"),
    wrong("kind = \"map\"", "kind = \"maps\"", "\"maps\"", "`kind` in [[operator]] `top-hat` does not know `maps`", "did you mean `map`?"),
    wrong("max-halo = [0, 0, 0, 65, 0x41]", "max-halo = [65, 65]", "[65, 65]", "`max-halo` in [[operator]] `top-hat` has 2 numbers, where 5 belong", "T, C, Z, Y and X"),
    wrong("temporal-window = [1, 2]", "temporal-window = [-1, 2]", "-1", "`temporal-window` in [[operator]] `top-hat` is -1; it must lie between 0", "frames"),
    wrong("temporal-window", "temporal_window", "temporal_window", "there is no key `temporal_window` in [[operator]] `top-hat`", "did you mean `temporal-window`?"),
    wrong("\"counting\"", "\"count\"", "\"count\"", "`preserves` in output `image` of [[operator]] `top-hat` does not know `count`", "did you mean `counting`?"),
    wrong("yields = \"restored\"", "yields = \"gold\"", "\"gold\"", "`yields` in output `image` of [[operator]] `top-hat` does not know `gold`", "unknown, measured"),
    wrong("preserves = []\n\n[[operator.parameter]]", "\n[[operator.parameter]]", "[[operator.output]]", "output `cells` of [[operator]] `top-hat` has no `preserves`", "add `preserves`"),
    wrong("network = true", "network = \"yes\"", "\"yes\"", "`network` in output `image` of [[operator]] `top-hat` is text, where true or false belongs", "true or false"),
    wrong("threads = \"single\"", "threads = \"single\"\nyields = \"derived\"", "yields", "there is no key `yields` in [[operator]] `top-hat`", "the keys are id, summary, kind, threads, deterministic, temporal-window, max-halo, input, output, parameter"),
    wrong("kind = \"labels\"\ndtypes", "labels = true\ndtypes", "labels", "there is no key `labels` in input `mask` of [[operator]] `top-hat`", "the keys are name, kind, dtypes, optional"),
    wrong("kind = \"labels\"\ndtypes", "kind = \"table\"\ndtypes", "\"table\"", "tables and records do not go into operators yet", "`image` or `labels`"),
    wrong("deterministic = true", "deterministic = 1", "1", "`deterministic` in [[operator]] `top-hat` is a whole number, where true or false belongs", "true or false"),
    wrong("\"u16\", \"f32\"", "\"u16\", \"u16\"", "\"u16\"", "the pixel type `u16` stands here twice", "remove one"),
    wrong("\"u16\", \"f32\"", "\"u16\", \"u61\"", "\"u61\"", "`dtypes` in input `image` of [[operator]] `top-hat` does not know `u61`", "did you mean `u16`?"),
    wrong("[\"mask\", \"u32\"]", "[]", "[]", "the input `mask` accepts no pixel type", "dtypes = "),
    wrong("name = \"mask\"", "name = \"image\"", "[[operator.input]]", "the operator lists the input `image` twice", "rename"),
    wrong("kind = \"image\"\nyields", "kind = \"table\"\nyields", "[[operator]]", "its output `image` is no image: tables and records need kind `reduce`", "parfocal build"),
    wrong("yields = \"restored\"", "yields = \"measured\"", "[[operator]]", "its output `image` is measured, but an image that a network makes", "parfocal build"),
    wrong("kind = \"reduce\"", "kind = \"whole\"", "[[operator]]", "tables and records need kind `reduce`", "parfocal build"),
    wrong("output = [", "x-output = [", "[[operator]]", "it has no output", "parfocal build"),
    wrong("role = \"setting\"", "role = \"knob\"", "\"knob\"", "`role` in parameter `radius` of [[operator]] `top-hat` does not know `knob`", "setting, tunable"),
    wrong("unit = \"micrometer\"", "unit = \"um\"", "\"um\"", "`unit` in parameter `radius` of [[operator]] `top-hat` does not know `um`", "micrometer"),
    wrong("default = 2", "default = 0.2", "0.2", "`default` is 0.2; it must lie between 0.25 and 64", "limits"),
    wrong("min = 0.25", "min = 65.0", "65.0", "`min` is 65, more than `max`, 64", "exchange"),
    wrong("min = -1", "", "[[operator.parameter]]", "parameter `rounds` of [[operator]] `top-hat` has no `min`", "add `min`"),
    wrong("max = 9_000", "max = 99999999999999999999", "99999999999999999999", "does not fit into 64 bits", "smaller"),
    wrong("default = 1\n", "default = 1.5\n", "1.5", "`default` in parameter `rounds` of [[operator]] `top-hat` is a number, where a whole number belongs", "whole number"),
    wrong("type = \"integer\"", "type = \"int\"", "\"int\"", "there is no parameter of type `int`", "flag, integer"),
    wrong("default = \"mirror\"", "default = \"wrap\"", "\"wrap\"", "the default `wrap` is not among the options", "mirror, zero"),
    wrong("default = false", "default = false\nunit = \"pixel\"", "\"pixel\"", "only numbers have a unit", "remove `unit`"),
    wrong("default = false", "default = false\nmin = 0", "min", "there is no key `min` in parameter `keep` of [[operator]] `top-hat`", "the keys are"),
    wrong("id = \"count\"", "id = \"top-hat\"", "[[operator]]", "the manifest lists the operator `top-hat` twice", "rename"),
    wrong("x-hint", "hint", "hint", "there is no key `hint` in input `labels` of [[operator]] `count`", "the keys are"),
    wrong("lane = \"wasm\"", "lane = ", "", "this is not TOML", "toml.io"),
    wrong("name = \"Every key\"", "name = \"a\"\nname = \"b\"", "name", "this is not TOML: duplicate key", "toml.io"),
];

#[test]
fn each_wrong_field_has_its_own_sentence_place_and_remedy() {
    let mut sentences = std::collections::BTreeSet::new();
    for case in WRONG {
        let Wrong { from, to, at, message, remedy } = case;
        let text = FULL.replacen(from, to, 1);
        assert_ne!(text, FULL, "`{from}` is not in the manifest");
        let error = Manifest::parse(&text).expect_err(to);
        let said = format!("{error}\n  {}", error.remedy());
        assert!(error.message().contains(message), "{from} -> {to}:\n{said}");
        assert!(error.remedy().contains(remedy), "{from} -> {to}:\n{said}");
        let span = error.span().expect("a place");
        if !at.is_empty() {
            assert_eq!(text[span.clone()].lines().next(), Some(*at), "{from} -> {to}: {span:?}\n{said}");
        }
        let line = text.lines().nth(error.line() - 1).unwrap();
        assert!(line.chars().count() + 1 >= error.column(), "{said}");
        assert!(
            text.lines()
                .nth(error.line() - 1)
                .is_some_and(|line| line.contains(at.lines().next().unwrap_or(""))),
            "{from} -> {to}: line {} does not hold `{at}`",
            error.line()
        );
        sentences.insert(error.message().to_owned());
    }
    assert!(sentences.len() > WRONG.len() * 9 / 10, "{} sentences for {}", sentences.len(), WRONG.len());
}

#[test]
fn line_and_column_are_exact() {
    let text = "manifest-version = 1\n\n[plugin]\nid = \"org.example.a\"\nname = \"µ\" ; version = 2\n";
    let error = Manifest::parse(text).unwrap_err();
    assert_eq!((error.line(), error.column()), (5, 12), "{error}");
    let text = "manifest-version = 1\n[[operators]]\n";
    let error = Manifest::parse(text).unwrap_err();
    assert_eq!(error.to_string(), "2:3: there is no key `operators` at the top of the manifest");
    assert_eq!(error.remedy(), "did you mean `operator`?");
}

#[test]
fn bytes_that_are_no_text_point_at_the_first_bad_one() {
    let mut bytes = FULL.as_bytes().to_vec();
    let place = FULL.find("name").unwrap();
    bytes[place] = 0xFF;
    let error = Manifest::from_bytes(&bytes).unwrap_err();
    assert_eq!((error.line(), error.column()), (5, 1));
    assert!(error.message().contains("UTF-8"));
}

#[test]
fn a_manifest_without_end_is_refused_before_it_is_parsed() {
    let text = format!("{FULL}\n{}", "# more\n".repeat(200_000));
    assert!(Manifest::parse(&text).unwrap_err().message().contains("are not read"));
}

#[test]
fn a_newer_manifest_is_incompatible_for_programs() {
    let error: Error = Manifest::parse("manifest-version = 7\n[[device]]\n").unwrap_err().into();
    let expected =
        ErrorKind::Incompatible { have: "manifest version 1".into(), need: "manifest version 7".into() };
    assert_eq!(*error.kind(), expected);
    let error: Error = Manifest::parse("x = 1").unwrap_err().into();
    assert_eq!(*error.kind(), ErrorKind::InvalidArgument);
    assert!(error.remedy().is_some());
}
