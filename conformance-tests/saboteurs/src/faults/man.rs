//! Faults of manifests and files.

use crate::fault::{Act, Fault};

/// The faults.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "unknown-key",
        case: "MAN-01",
        also: &["MAN-14", "SEC-09"],
        what: "has a key in its manifest that nobody knows",
        operator: "subtract",
        act: Act::Package(|package| package.replace("[plugin]\n", "[plugin]\ncolour = \"red\"\n")),
    },
    Fault {
        name: "reserved-id",
        case: "MAN-02",
        also: &[],
        what: "has an id that begins with a word that is nobody's domain",
        operator: "subtract",
        act: Act::Package(|package| {
            package.patch("org.parfocal.saboteurs", "test.parfoca.saboteurs");
            package.replace("org.parfocal.saboteurs", "test.parfoca.saboteurs");
        }),
    },
    Fault {
        name: "other-version",
        case: "MAN-03",
        also: &[],
        what: "lies in a folder that names another version",
        operator: "subtract",
        act: Act::Package(|package| package.folder = "org.parfocal.saboteurs-9.9.9".into()),
    },
    Fault {
        name: "other-bytes",
        case: "MAN-04",
        also: &["SEC-09"],
        what: "has another digest in its manifest than its file",
        operator: "subtract",
        act: Act::Package(|package| package.replace("{sha256}", &"0".repeat(64))),
    },
    Fault {
        name: "other-note",
        case: "MAN-05",
        also: &["SEC-09"],
        what: "says another version in its bytes than in its manifest",
        operator: "subtract",
        act: Act::Package(|package| {
            package.replace("version = \"0.1.0\"", "version = \"0.2.0\"");
            package.folder = "org.parfocal.saboteurs-0.2.0".into();
        }),
    },
    Fault {
        name: "no-common-version",
        case: "MAN-06",
        also: &["SEC-09"],
        what: "offers an interface version that no host speaks",
        operator: "subtract",
        act: Act::Package(|package| package.replace("operator/1-draft.2", "operator/9")),
    },
    Fault {
        name: "silent-halo",
        case: "MAN-07",
        also: &[],
        what: "does not say its largest halo in its manifest",
        operator: "subtract",
        act: Act::Package(|package| package.replace("max-halo = [0, 0, 0, 0, 0]\n", "")),
    },
    Fault {
        name: "everything",
        case: "MAN-08",
        also: &[],
        what: "asks for a folder and gives no reason",
        operator: "subtract",
        act: Act::Package(|package| {
            package.replace("[[artifact]]", PERMISSION);
        }),
    },
    Fault {
        name: "no-licence",
        case: "MAN-09",
        also: &[],
        what: "comes without the text of its licence",
        operator: "subtract",
        act: Act::Package(|package| package.files.clear()),
    },
    Fault {
        name: "undocumented",
        case: "MAN-10",
        also: &[],
        what: "has a parameter that says nothing about itself",
        operator: "subtract",
        act: Act::Declare(|descriptor| descriptor.parameters[0].doc.clear()),
    },
    Fault {
        name: "key-of-a-reader",
        case: "MAN-14",
        also: &["MAN-01", "SEC-09"],
        what: "has a key in an operator that the schema does not know",
        operator: "subtract",
        act: Act::Package(|package| package.replace("[[operator]]\n", "[[operator]]\nspeed = 3\n")),
    },
];

/// A folder, without a word why.
const PERMISSION: &str = "[[permission]]\nkind = \"files\"\npath = \"/data\"\naccess = \"read\"\nreason = \"data\"\n\n[[artifact]]";
