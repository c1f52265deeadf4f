//! The rules of the contract, each with its number.
//!
//! The number is the id of the case in the conformance suite that tries the rule: `parfocal conform --explain OPR-06` says what exactly
//! is demanded, why, and what to do when a plugin fails. Numbers are never reused; `cargo xtask check` fails where a rule has
//! no case or a case no rule. Where a rule is part of a function's contract, its number stands there again.
//!
//! Who keeps them: plugins. Who relies on them: the host, and everybody who reads a result.
//!
//! # Manifest and package
//! Nothing is executed to find out.
//!
//! - \[MAN-01\] The manifest is TOML of a supported version, with known keys only.
//! - \[MAN-02\] The plugin's id is reverse DNS in lower case, and not one that is reserved.
//! - \[MAN-03\] The version is a full semver, and the package's folder or file agrees with it.
//! - \[MAN-04\] Every file that the manifest names is in the package, and has the digest that it names.
//! - \[MAN-05\] The bytes of each file are of the format, machine and plugin that the manifest says.
//! - \[MAN-06\] Each file offers interface versions, and at least one file offers one that this host speaks.
//! - \[MAN-07\] Each operator says everything that a host must know before it runs.
//! - \[MAN-08\] Permissions are listed one by one, each with a reason; no wildcards.
//! - \[MAN-09\] The licence is a valid SPDX expression, and its text lies in the package.
//! - \[MAN-10\] Each parameter has a known unit, and limits that hold its default.
//! - \[MAN-11\] Each AI capability says what it was trained on and what it is not valid for.
//! - \[MAN-12\] A damaged copy of the package gives an error, never a crash of its reader.
//! - \[MAN-13\] An edition's modules exist, fit each other, and have no circles.
//! - \[MAN-14\] The manifest uses no key that only one of reader and published schema knows.
//!
//! # Handshake and lifecycle
//! Between the loading of code and the first tile.
//!
//! - \[ABI-01\] Negotiation comes first: always the same answer, at once, before anything else.
//! - \[ABI-02\] Versions that do not fit are refused with both sides' versions, without a crash.
//! - \[ABI-03\] The code describes itself exactly as the manifest does.
//! - \[ABI-04\] Unknown names are answered with not-found.
//! - \[ABI-05\] The library exports its entry and nothing else.
//! - \[ABI-06\] The structs at the border have the layout that is frozen for their version.
//! - \[ABI-07\] A thousand instances made and ended leave nothing behind.
//! - \[ABI-08\] An operator can be ended and made again in one process.
//! - \[ABI-09\] Two instances do not know of each other.
//! - \[ABI-10\] Two versions of a plugin work side by side.
//! - \[ABI-11\] Loading and describing is quick, and touches nothing.
//! - \[ABI-12\] A panic or exception becomes an error; it never unwinds across the border.
//! - \[ABI-13\] Texts are valid UTF-8, and over-long ones are cut at a character.
//! - \[ABI-14\] Binaries of each released interface version still load.
//! - \[ABI-15\] A saved state loads into a fresh instance, and a broken one is refused.
//! - \[ABI-16\] Calls from threads are answered as the contract says.
//!
//! # What operators mean
//! The semantics that every caller relies on; [`Operator`](crate::Operator) has them in the order of calls.
//!
//! - \[OPR-01\] What comes out has the size, type, calibration and channels that `plan` said.
//! - \[OPR-02\] Inputs that it does not declare are refused in `plan`, before any work.
//! - \[OPR-03\] Every pixel type that it declares is accepted, and runs.
//! - \[OPR-04\] The same input, parameters and seed give the same bytes, every time.
//! - \[OPR-05\] Tiles give the pixels of the whole image, however it is cut.
//! - \[OPR-06\] Nothing beyond the halo that it asks for changes a tile, and no halo is asked for in vain.
//! - \[OPR-07\] The order of the tiles, and how many instances share them, does not matter.
//! - \[OPR-08\] Input tiles are not written to.
//! - \[OPR-09\] Nothing outside of the tiles is read or written, and every pixel of an output is written.
//! - \[OPR-10\] Input and output are the same memory only where that is declared, and give the same result.
//! - \[OPR-11\] Empty images are refused with a typed error, or give empty results.
//! - \[OPR-12\] Tiny and odd images work: one pixel, one row, one column, primes, smaller than the halo.
//! - \[OPR-13\] NaN, infinities and subnormal numbers spoil no pixel farther away than the halo.
//! - \[OPR-14\] Constant, black, saturated and single-pixel images give finite outputs.
//! - \[OPR-15\] Outputs of whole numbers clamp and round half to even; they never wrap around.
//! - \[OPR-16\] Declared relations of intensity hold.
//! - \[OPR-17\] The result moves with the image, away from its borders.
//! - \[OPR-18\] Frames stay in their order, and a sequence remembers nothing of the one before.
//! - \[OPR-19\] Huge images work tile by tile, within the memory that the plan declares.
//! - \[OPR-20\] Parameters are accepted within their declared limits and refused outside, unknown ones too.
//! - \[OPR-21\] A request to stop is honoured within 100 ms, and the instance works afterwards.
//! - \[OPR-22\] Progress rises from 0 to 1 within a call, and comes from the call only.
//! - \[OPR-23\] Instances work at once as declared.
//! - \[OPR-24\] Frame after frame costs no more memory.
//! - \[OPR-25\] When memory runs out, it says so, and works again afterwards.
//! - \[OPR-26\] Outputs carry what made them, and what is predicted stays marked.
//! - \[OPR-27\] Physical parameters and columns follow the pixel size; without one they are refused.
//! - \[OPR-28\] Labels are numbered from 1 without gaps, 0 is background, and tiles do not split objects.
//! - \[OPR-29\] Tables declare their units, and known shapes measure what geometry says.
//! - \[OPR-30\] Native code and WASM component of one operator give the same bytes.
//! - \[OPR-31\] Language, time zone, folder and environment do not change results.
//!
//! # What a plugin may do
//! Nothing that is not in its manifest and granted.
//!
//! - \[SEC-01\] With nothing granted, files, network, processes and devices are out of reach.
//! - \[SEC-02\] Nothing is used that the manifest does not ask for.
//! - \[SEC-03\] A permission that is declared and not granted ends in a typed denial.
//! - \[SEC-04\] A granted folder is that folder only.
//! - \[SEC-05\] A granted connection is that host and port only.
//! - \[SEC-06\] A granted serial or USB device is that device only.
//! - \[SEC-07\] A WASM component gets nothing but the contract: no WASI, bounded memory, time and stack.
//! - \[SEC-08\] Secrets of the host never appear in what the plugin writes.
//! - \[SEC-09\] Unsigned or altered packages are refused, unless the user insists, which is recorded.
//! - \[SEC-10\] Log lines cannot forge lines, drive a terminal or fill a disk.
//!
//! # What the host survives
//! Rules for plugins, and promises of the host where a plugin breaks them.
//!
//! - \[ROB-01\] A panic in any entry is survived.
//! - \[ROB-02\] An abort is survived.
//! - \[ROB-03\] A fault of memory is survived.
//! - \[ROB-04\] An exit with code 0 is seen as a crash.
//! - \[ROB-05\] An endless loop is stopped.
//! - \[ROB-06\] A deadlock at the end is stopped.
//! - \[ROB-07\] A process that is left behind is found and ended.
//! - \[ROB-08\] Endless allocation is stopped.
//! - \[ROB-09\] A stack overflow is survived.
//! - \[ROB-10\] Closed descriptors of the host are survived.
//! - \[ROB-11\] Changed signal handlers, rounding, locale and folder do not reach the host.
//! - \[ROB-12\] A late write by a leftover thread reaches nobody.
//! - \[ROB-13\] Random sequences of calls end in results or typed errors.
//! - \[ROB-14\] One broken package hides no other.
//! - \[ROB-15\] Nothing is unloaded while a call is under way.
//!
//! # Speed and memory
//! Measured on a named machine; never a reason to refuse a plugin.
//!
//! - \[PRF-01\] The declared frame rate is met at the declared size.
//! - \[PRF-02\] The first frame comes soon after loading.
//! - \[PRF-03\] No memory is allocated per frame once warm, where real time is declared.
//! - \[PRF-04\] Subnormal numbers do not slow it down threefold.
//! - \[PRF-05\] It uses no more threads than declared.
//! - \[PRF-06\] A call costs little besides the work.
//! - \[PRF-07\] Peak memory stays within what the plan declares.
//! - \[PRF-08\] It is not slower than the stored figure of the same machine.
