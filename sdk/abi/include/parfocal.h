/* parfocal.h: the native interface of Parfocal for plugins in C and C++.
 *
 * Generated from the Rust sources of `parfocal-abi`; do not edit. SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A plugin is a shared library that exports one symbol:
 *
 *     const pf_entry *parfocal_entry(uint32_t host_min, uint32_t host_max);
 *
 * The macros at the end write it. Build with `cc -shared -fPIC -fvisibility=hidden -o libmine.so mine.c`.
 *
 * Rules: nothing is allocated on one side and freed on the other; what has no known size is handed to a function of
 * pf_host, which copies it; texts are UTF-8 with a length; functions return PF_OK or an error code after set_error;
 * nothing unwinds across the border. Calls on one instance come one after the other, perhaps from different threads.
 */
#ifndef PARFOCAL_H
#define PARFOCAL_H

#include <stddef.h>
#include <stdint.h>

/* Versions. */
#define PF_ENTRY_VERSION 1u
#define PF_OPERATOR_VERSION 0x00010001u
#define PF_OPERATOR_VERSION_TEXT "1-draft.1"

/* Status codes. */
#define PF_OK 0
#define PF_NOT_SUPPORTED 1
#define PF_NOT_FOUND 2
#define PF_INVALID_ARGUMENT 3
#define PF_OUT_OF_RANGE 4
#define PF_READ_ONLY 5
#define PF_LOCKED 6
#define PF_BAD_STATE 7
#define PF_WRONG_THREAD 8
#define PF_BUSY 9
#define PF_TIMEOUT 10
#define PF_CANCELLED 11
#define PF_LOST 12
#define PF_PROTOCOL 13
#define PF_DEVICE_FAULT 14
#define PF_INTERLOCK 15
#define PF_LIMIT_HIT 16
#define PF_BUFFER_OVERFLOW 17
#define PF_DATA_INCOMPLETE 18
#define PF_PERMISSION_DENIED 19
#define PF_INCOMPATIBLE 20
#define PF_MISSING_RUNTIME 21
#define PF_UNFIT 22
#define PF_OUT_OF_MEMORY 23
#define PF_CORRUPT 24
#define PF_PLUGIN_DIED 25
#define PF_INTERNAL 26

/* Pixel types. */
#define PF_U8 1u
#define PF_I8 2u
#define PF_U16 3u
#define PF_I16 4u
#define PF_U32 5u
#define PF_F32 6u
#define PF_MASK 7u

/* Pixel classes. */
#define PF_CLASS_UNKNOWN 0u
#define PF_CLASS_MEASURED 1u
#define PF_CLASS_DERIVED 2u
#define PF_CLASS_RESTORED 3u
#define PF_CLASS_PREDICTED 4u
#define PF_CLASS_LABELS 5u

/* Supports, to be summed. */
#define PF_SUPPORT_LOCALISATION 1u
#define PF_SUPPORT_COUNTING 2u
#define PF_SUPPORT_GROSS_MORPHOLOGY 4u
#define PF_SUPPORT_FINE_DETAIL 8u
#define PF_SUPPORT_INTENSITY 16u
#define PF_SUPPORT_RARE_EVENT_SEARCH 32u
#define PF_SUPPORT_RARE_EVENT_FREQUENCY 64u
#define PF_SUPPORT_ALL 127u

/* Units. */
#define PF_UNIT_NONE 0u
#define PF_UNIT_PIXEL 1u
#define PF_UNIT_MICROMETER 2u
#define PF_UNIT_SQUARE_MICROMETER 3u
#define PF_UNIT_CUBIC_MICROMETER 4u
#define PF_UNIT_NANOMETER 5u
#define PF_UNIT_SECOND 6u
#define PF_UNIT_MILLIWATT 7u
#define PF_UNIT_VOLT 8u
#define PF_UNIT_DECIBEL 9u
#define PF_UNIT_PERCENT 10u
#define PF_UNIT_FRACTION 11u
#define PF_UNIT_COUNT 12u
#define PF_UNIT_GREY_LEVEL 13u
#define PF_UNIT_ELECTRON 14u
#define PF_UNIT_PHOTON 15u
#define PF_UNIT_DEGREE 16u
#define PF_UNIT_CELSIUS 17u
#define PF_UNIT_JOULE_PER_SQUARE_CENTIMETER 18u
#define PF_UNIT_SQUARE_PIXEL 19u
#define PF_UNIT_CUBIC_PIXEL 20u

/* Roles and kinds of parameters. */
#define PF_SETTING 1u
#define PF_TUNABLE 2u
#define PF_KIND_FLAG 1u
#define PF_KIND_INTEGER 2u
#define PF_KIND_NUMBER 3u
#define PF_KIND_CHOICE 4u
#define PF_KIND_TEXT 5u

/* Tiling of an axis, and padding beyond the image. */
#define PF_TILING_SPLIT 0u
#define PF_TILING_EACH 1u
#define PF_TILING_WHOLE 2u
#define PF_PAD_CLIP 0u
#define PF_PAD_SYMMETRIC 1u
#define PF_PAD_REFLECT 2u
#define PF_PAD_EDGE 3u
#define PF_PAD_ZERO 4u

// UTF-8 text: not terminated, valid during the call that it is passed to.
typedef struct pf_text {
  // First byte; may be null when `len` is 0.
  const uint8_t *data;
  // Number of bytes.
  uint64_t len;
} pf_text;

// The answer to [`Entry::get_interface`]. The layout of this struct never changes.
typedef struct pf_negotiated {
  // The wire version chosen; 0 when none of the plugin's lies in the host's range.
  uint32_t chosen;
  // Oldest wire version that the plugin speaks.
  uint32_t min;
  // Newest wire version that the plugin speaks.
  uint32_t max;
  // Zero.
  uint32_t reserved;
  // The table of functions of the version chosen; null when none was.
  const void *table;
} pf_negotiated;

// What a plugin answers first. The layout of this struct never changes.
typedef struct pf_entry {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The entry version chosen from the host's range; 0 when there is none, and then only `min` and `max` count.
  uint32_t version;
  // Oldest entry version that the plugin speaks.
  uint32_t min;
  // Newest entry version that the plugin speaks.
  uint32_t max;
  // Zero.
  uint32_t reserved;
  // Reverse-DNS id of the plugin.
  struct pf_text id;
  // Semver of the plugin.
  struct pf_text plugin_version;
  // Asks for an interface by name. The host gives the range of wire versions that it speaks; the plugin writes the
  // version that it chose and its table, or its own range. Returns 0 when the interface is known by name, else
  // 2 (`not-found`).
  int32_t (*get_interface)(struct pf_text name,
                           uint32_t host_min,
                           uint32_t host_max,
                           struct pf_negotiated *answer);
  // Asks for something that came later, by id; null when the plugin does not have it.
  const void *(*get_extension)(struct pf_text id);
} pf_entry;

// Bytes that are the plugin's own business: partial results, conclusions, states.
typedef struct pf_bytes {
  // First byte; may be null when `len` is 0.
  const uint8_t *data;
  // Number of bytes.
  uint64_t len;
} pf_bytes;

// A box of pixels: where it starts in the image (negative before it), and its size.
typedef struct pf_region {
  // First pixel along T C Z Y X.
  int64_t origin[5];
  // Size along T C Z Y X.
  uint64_t extent[5];
} pf_region;

// How pixels were taken. NaN, or 0 in the whole numbers: unknown.
typedef struct pf_conditions {
  // Nominal magnification of the objective.
  double magnification;
  // Numerical aperture of the objective.
  double numerical_aperture;
  // Refractive index of the immersion medium.
  double immersion_index;
  // Zoom of the scanner.
  double zoom;
  // Time that the sensor integrates, in seconds.
  double exposure_s;
  // Time that the beam rests on a pixel, in seconds.
  double dwell_s;
  // Light power at the sample, in milliwatts.
  double light_power_mw;
  // Light power as a share of the maximum, 0 to 1.
  double light_fraction;
  // High voltage of a photomultiplier, in volts.
  double detector_gain_v;
  // Grey level of a dark photomultiplier pixel.
  double detector_offset;
  // Photoelectrons for one grey level of a camera.
  double camera_gain;
  // Grey level of a dark camera pixel.
  double camera_offset;
  // Standard deviation of the read noise, in photoelectrons.
  double read_noise_e;
  // Position of the stage along X Y Z, in micrometers.
  double stage_um[3];
  // Time since the first plane, in seconds.
  double time_s;
  // Light that the sample received for the plane, in joules per square centimeter.
  double dose_j_cm2;
  // 1 widefield, 2 galvano, 3 resonant, 4 spinning disk; 0 unknown.
  uint32_t scan_mode;
  // Frames or lines averaged into one; 0 unknown.
  uint32_t averaging;
  // Sensor pixels joined along X and Y; 0 unknown.
  uint32_t binning[2];
  // Bits of the converter; 0 unknown.
  uint32_t bit_depth;
  // Zero.
  uint32_t reserved;
} pf_conditions;

// Facts of one plane that differ from its channel's.
typedef struct pf_plane_conditions {
  // Time index of the plane.
  uint64_t t;
  // Depth index of the plane.
  uint64_t z;
  // The facts; unknown ones are the channel's.
  struct pf_conditions conditions;
} pf_plane_conditions;

// One channel of an image.
typedef struct pf_channel {
  // Name; may be empty.
  struct pf_text name;
  // Excitation wavelength in nanometers.
  double excitation_nm;
  // Emission wavelength in nanometers.
  double emission_nm;
  // 1 widefield fluorescence, 2 confocal, 3 spinning disk, 4 multiphoton, 5 light sheet, 6 brightfield, 7 phase
  // contrast, 8 differential interference contrast, 9 other; 0 unknown.
  uint32_t modality;
  // Display colour as 0xFFRRGGBB; 0 none.
  uint32_t color;
  // 0 unknown, 1 measured, 2 derived, 3 restored, 4 predicted, 5 labels. A plugin reads it; the host decides that of
  // outputs.
  uint32_t pixel_class;
  // Sum of: 1 localisation, 2 counting, 4 gross morphology, 8 fine detail, 16 intensity, 32 rare-event search, 64
  // rare-event frequency. A plugin reads it; the host decides that of outputs.
  uint32_t supports;
  // Class of the pixels that labels were found on.
  uint32_t labels_basis;
  // 0 no labels, 1 classical operator, 2 network, 3 person.
  uint32_t labels_finder;
  // Id and version of the operator that found labels.
  struct pf_text finder_operator;
  // Id, version and hash of the model that found labels.
  struct pf_text finder_model;
  // Facts of all planes.
  struct pf_conditions conditions;
  // Facts of single planes, sorted by t and z.
  const struct pf_plane_conditions *planes;
  // Number of `planes`.
  uint64_t plane_count;
} pf_channel;

// Everything about an image but its pixels.
typedef struct pf_image_spec {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // Name; may be empty.
  struct pf_text name;
  // Size along T C Z Y X.
  uint64_t extent[5];
  // Pixel type: 1 u8, 2 i8, 3 u16, 4 i16, 5 u32, 6 f32, 7 mask (bytes 0 and 1).
  uint32_t dtype;
  // Bits that values really use.
  uint32_t significant_bits;
  // Size of a pixel along X Y Z, in micrometers.
  double pixel_size_um[3];
  // Time between time points, in seconds.
  double time_increment_s;
  // The channels.
  const struct pf_channel *channels;
  // Number of `channels`: the extent along C.
  uint64_t channel_count;
} pf_image_spec;

// A tile that goes in. The pixels must not be written.
typedef struct pf_input_tile {
  // First pixel of the region.
  const void *data;
  // Bytes from the first pixel to the end of the last.
  uint64_t byte_len;
  // Pixel type, as in the spec.
  uint32_t dtype;
  // Where the pixels lie: 0 the host's memory. A plugin refuses a space that it does not know.
  uint32_t memory_space;
  // Handle of device memory; 0 in the host's.
  uint64_t handle;
  // Where the tile lies in its image, padding included.
  struct pf_region region;
  // Distance between neighbours along T C Z Y, in pixels; along X it is 1.
  uint64_t strides[4];
  // Extent of the whole image.
  uint64_t full[5];
  // Facts of this tile's planes that were not known when the plan was made.
  const struct pf_plane_conditions *planes;
  // Number of `planes`; usually 0.
  uint64_t plane_count;
} pf_input_tile;

// A tile that comes out. The plugin writes every pixel of the region, and nothing else.
typedef struct pf_output_tile {
  // First pixel of the region.
  void *data;
  // Bytes from the first pixel to the end of the last.
  uint64_t byte_len;
  // Pixel type, as the plan said.
  uint32_t dtype;
  // Where the pixels lie: 0 the host's memory.
  uint32_t memory_space;
  // Handle of device memory; 0 in the host's.
  uint64_t handle;
  // Where the tile lies in its image.
  struct pf_region region;
  // Distance between neighbours along T C Z Y, in pixels; along X it is 1.
  uint64_t strides[4];
  // Extent of the whole image.
  uint64_t full[5];
} pf_output_tile;

// A detail of an error, as its kind has it: `min`, `max`, `got`, `what`.
typedef struct pf_detail {
  // Name of the field.
  struct pf_text key;
  // Its value.
  struct pf_text value;
} pf_detail;

// What went wrong, handed to `Host::set_error` before a code is returned.
typedef struct pf_error_info {
  // The code that will be returned.
  int32_t code;
  // Zero.
  uint32_t reserved;
  // Which thing, doing what, why.
  struct pf_text message;
  // What the user can do; may be empty.
  struct pf_text remedy;
  // The fields of the kind.
  const struct pf_detail *details;
  // Number of `details`.
  uint64_t detail_count;
} pf_error_info;

// The answer of `plan`, handed to `Host::answer_plan`.
typedef struct pf_plan {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The image outputs, in the order of their ports.
  const struct pf_image_spec *outputs;
  // Number of `outputs`.
  uint64_t output_count;
  // How each axis may be cut: 0 anywhere, 1 into single positions only, 2 not at all.
  uint32_t tiling[5];
  // 1 for each axis over which a reduce operator makes one result.
  uint32_t reduce_over[5];
  // Filled in beyond the image: 0 nothing (the tile is clipped), 1 symmetric, 2 reflect, 3 edge, 4 zero.
  uint32_t padding;
  // Upper bound of the instance's own memory for each pixel of a tile's work.
  uint32_t bytes_per_pixel;
  // Upper bound of the instance's own memory besides.
  uint64_t bytes;
} pf_plan;

// A column of a table output.
typedef struct pf_column {
  // Name in `snake_case`.
  struct pf_text name;
  // Unit of the values.
  uint32_t unit;
  // 0 flag, 1 integer, 2 number, 3 text.
  uint32_t kind;
} pf_column;

// One value of a table or record.
typedef struct pf_scalar {
  // 0 flag (in `integer`, 0 or 1), 1 integer, 2 number, 3 text.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // The value of a flag or integer.
  int64_t integer;
  // The value of a number; NaN where it is not defined.
  double number;
  // The value of a text.
  struct pf_text text;
} pf_scalar;

// One named value of a record output.
typedef struct pf_field {
  // Name in `snake_case`.
  struct pf_text name;
  // Unit of the value.
  uint32_t unit;
  // Zero.
  uint32_t reserved;
  // The value.
  struct pf_scalar value;
} pf_field;

// The services of the host, valid during the call that they are given to, from the thread of that call.
typedef struct pf_host {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The host's own; the first argument of every function.
  void *context;
  // The seed of the run, for operators that draw random numbers.
  uint64_t seed;
  // Writes a line of text into the host's log. Level: 1 error, 2 warning, 3 info, 4 debug.
  void (*log)(void *context, uint32_t level, struct pf_text text);
  // Tells how far the call has come, 0 to 1, never falling.
  void (*progress)(void *context, float fraction);
  // Not 0 when somebody asked to stop: return 11 (`cancelled`) soon.
  uint32_t (*is_cancelled)(void *context);
  // Says what went wrong, before its code is returned.
  void (*set_error)(void *context, const struct pf_error_info *error);
  // Takes the answer of `plan`.
  void (*answer_plan)(void *context, const struct pf_plan *plan);
  // Takes the answer of `required_input`: one region for each connected input.
  void (*answer_regions)(void *context, const struct pf_region *regions, uint64_t count);
  // Takes the answer of `accumulate`, `merge`, `finish` and `save`.
  void (*answer_bytes)(void *context, struct pf_bytes bytes);
  // Declares the columns of a table output, once, before its rows. Returns 0 or an error code.
  int32_t (*emit_columns)(void *context, uint32_t port, const struct pf_column *columns, uint64_t count);
  // Adds rows to a table output: `row_count` times as many scalars as there are columns. Returns 0 or an error code.
  int32_t (*emit_rows)(void *context, uint32_t port, const struct pf_scalar *scalars, uint64_t row_count);
  // Adds a value to a record output. Returns 0 or an error code.
  int32_t (*emit_field)(void *context, uint32_t port, const struct pf_field *field);
  // Asks for a service that came later, by id; null when the host does not have it.
  const void *(*get_extension)(void *context, struct pf_text id);
} pf_host;

// The work of one call of `run` or `accumulate`.
typedef struct pf_call {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The part of the work that this call is for, without halo.
  struct pf_region core;
  // One for each connected input port.
  const struct pf_input_tile *inputs;
  // Number of `inputs`.
  uint64_t input_count;
  // One for each image output port; none for `accumulate`.
  const struct pf_output_tile *outputs;
  // Number of `outputs`.
  uint64_t output_count;
  // The services of the host during this call.
  const struct pf_host *host;
} pf_call;

// The value of a parameter.
typedef struct pf_parameter {
  // Name.
  struct pf_text name;
  // 1 flag (in `integer`, 0 or 1), 2 integer, 3 number, 4 text or choice.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // The value of a flag or integer.
  int64_t integer;
  // The value of a number.
  double number;
  // The value of a text or choice.
  struct pf_text text;
} pf_parameter;

// A parameter as an operator declares it.
typedef struct pf_parameter_spec {
  // Name in kebab-case.
  struct pf_text name;
  // One sentence for people.
  struct pf_text doc;
  // 1 setting (describes the experiment), 2 tunable (changes the result).
  uint32_t role;
  // Unit: 0 none, 1 pixel, 2 micrometer, 5 nanometer, 6 second, 10 percent, 13 grey level; all are in the manual.
  uint32_t unit;
  // 1 flag, 2 integer, 3 number, 4 choice, 5 text.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // Default of a flag or integer.
  int64_t integer_default;
  // Smallest integer accepted.
  int64_t integer_min;
  // Largest integer accepted.
  int64_t integer_max;
  // Default of a number.
  double number_default;
  // Smallest number accepted.
  double number_min;
  // Largest number accepted.
  double number_max;
  // Default of a text or choice.
  struct pf_text text_default;
  // The words of a choice.
  const struct pf_text *options;
  // Number of `options`.
  uint64_t option_count;
} pf_parameter_spec;

// An image that goes in.
typedef struct pf_input_port {
  // Name in kebab-case.
  struct pf_text name;
  // Pixel types that are accepted.
  const uint32_t *dtypes;
  // Number of `dtypes`.
  uint64_t dtype_count;
  // 1 when the image must hold labels, else 0.
  uint32_t labels;
  // 1 when it may be left out, else 0.
  uint32_t optional;
} pf_input_port;

// Something that comes out.
typedef struct pf_output_port {
  // Name in kebab-case.
  struct pf_text name;
  // 1 image, 2 labels, 3 table, 4 record.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
} pf_output_port;

// An operator as it declares itself.
typedef struct pf_descriptor {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // Name in kebab-case, unique within the plugin.
  struct pf_text id;
  // One sentence for people.
  struct pf_text summary;
  // 1 map, 2 reduce, 3 whole.
  uint32_t kind;
  // 1 one instance at a time, 2 independent instances.
  uint32_t threads;
  // 1 when equal input gives equal bytes everywhere, else 0.
  uint32_t deterministic;
  // Class of the outputs before it is joined with the inputs'.
  uint32_t yields;
  // Supports that are kept when the inputs have them.
  uint32_t preserves;
  // Frames before and after that it looks at.
  uint32_t temporal_window[2];
  // Upper bound of the halo along T C Z Y X.
  uint32_t max_halo[5];
  // Images that go in.
  const struct pf_input_port *inputs;
  // Number of `inputs`.
  uint64_t input_count;
  // What comes out.
  const struct pf_output_port *outputs;
  // Number of `outputs`.
  uint64_t output_count;
  // Parameters.
  const struct pf_parameter_spec *parameters;
  // Number of `parameters`.
  uint64_t parameter_count;
} pf_descriptor;

// The interface `operator`: what a plugin answers to `get_interface("operator", ...)`.
//
// Functions return 0 or an error code. `self` is what `create` wrote.
typedef struct pf_operator_table {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The operators that the plugin has.
  const struct pf_descriptor *operators;
  // Number of `operators`.
  uint64_t operator_count;
  // Makes an instance of an operator with complete, checked parameters.
  int32_t (*create)(const struct pf_host *host,
                    struct pf_text operator_id,
                    const struct pf_parameter *parameters,
                    uint64_t parameter_count,
                    void **instance);
  // Ends an instance.
  void (*destroy)(void *instance);
  // Answers what comes out for these inputs, through `Host::answer_plan`.
  int32_t (*plan)(void *instance,
                  const struct pf_host *host,
                  const struct pf_image_spec *inputs,
                  uint64_t input_count);
  // Answers which part of each input the region needs, through `Host::answer_regions`.
  int32_t (*required_input)(void *instance, const struct pf_host *host, const struct pf_region *core);
  // Forgets what was seen; a new sequence starts.
  int32_t (*reset)(void *instance, const struct pf_host *host);
  // Computes the output tiles.
  int32_t (*run)(void *instance, const struct pf_call *call);
  // Computes the partial result of a tile, through `Host::answer_bytes`. Null unless the plugin reduces.
  int32_t (*accumulate)(void *instance, const struct pf_call *call);
  // Joins two partial results, the left of earlier tiles, through `Host::answer_bytes`. Null unless the plugin reduces.
  int32_t (*merge)(void *instance, const struct pf_host *host, struct pf_bytes left, struct pf_bytes right);
  // Gives rows and fields, and the conclusion through `Host::answer_bytes`. Null unless the plugin reduces.
  int32_t (*finish)(void *instance, const struct pf_host *host, struct pf_bytes total);
  // Takes the conclusion before the second pass. Null unless the plugin reduces and gives pixels.
  int32_t (*conclude)(void *instance, const struct pf_host *host, struct pf_bytes conclusion);
  // Gives the state of a sequence, through `Host::answer_bytes`. Null for operators without memory.
  int32_t (*save)(void *instance, const struct pf_host *host);
  // Takes a state. Null for operators without memory.
  int32_t (*load)(void *instance, const struct pf_host *host, struct pf_bytes state);
  // Asks for something that came later, by id; null when the plugin does not have it.
  const void *(*get_extension)(struct pf_text id);
} pf_operator_table;

/* The layout of the interface: a compiler that lays structs out otherwise stops here. */
#if UINTPTR_MAX == 0xFFFFFFFFFFFFFFFFu
#ifdef __cplusplus
#define PF_ASSERT_(condition, text) static_assert(condition, text)
#else
#define PF_ASSERT_(condition, text) _Static_assert(condition, text)
#endif
PF_ASSERT_(sizeof(pf_entry) == 72, "size of pf_entry");
PF_ASSERT_(offsetof(pf_entry, struct_size) == 0, "pf_entry.struct_size");
PF_ASSERT_(offsetof(pf_entry, version) == 8, "pf_entry.version");
PF_ASSERT_(offsetof(pf_entry, min) == 12, "pf_entry.min");
PF_ASSERT_(offsetof(pf_entry, max) == 16, "pf_entry.max");
PF_ASSERT_(offsetof(pf_entry, reserved) == 20, "pf_entry.reserved");
PF_ASSERT_(offsetof(pf_entry, id) == 24, "pf_entry.id");
PF_ASSERT_(offsetof(pf_entry, plugin_version) == 40, "pf_entry.plugin_version");
PF_ASSERT_(offsetof(pf_entry, get_interface) == 56, "pf_entry.get_interface");
PF_ASSERT_(offsetof(pf_entry, get_extension) == 64, "pf_entry.get_extension");
PF_ASSERT_(sizeof(pf_negotiated) == 24, "size of pf_negotiated");
PF_ASSERT_(offsetof(pf_negotiated, chosen) == 0, "pf_negotiated.chosen");
PF_ASSERT_(offsetof(pf_negotiated, min) == 4, "pf_negotiated.min");
PF_ASSERT_(offsetof(pf_negotiated, max) == 8, "pf_negotiated.max");
PF_ASSERT_(offsetof(pf_negotiated, reserved) == 12, "pf_negotiated.reserved");
PF_ASSERT_(offsetof(pf_negotiated, table) == 16, "pf_negotiated.table");
PF_ASSERT_(sizeof(pf_text) == 16, "size of pf_text");
PF_ASSERT_(offsetof(pf_text, data) == 0, "pf_text.data");
PF_ASSERT_(offsetof(pf_text, len) == 8, "pf_text.len");
PF_ASSERT_(sizeof(pf_bytes) == 16, "size of pf_bytes");
PF_ASSERT_(offsetof(pf_bytes, data) == 0, "pf_bytes.data");
PF_ASSERT_(offsetof(pf_bytes, len) == 8, "pf_bytes.len");
PF_ASSERT_(sizeof(pf_region) == 80, "size of pf_region");
PF_ASSERT_(offsetof(pf_region, origin) == 0, "pf_region.origin");
PF_ASSERT_(offsetof(pf_region, extent) == 40, "pf_region.extent");
PF_ASSERT_(sizeof(pf_conditions) == 168, "size of pf_conditions");
PF_ASSERT_(offsetof(pf_conditions, magnification) == 0, "pf_conditions.magnification");
PF_ASSERT_(offsetof(pf_conditions, numerical_aperture) == 8, "pf_conditions.numerical_aperture");
PF_ASSERT_(offsetof(pf_conditions, immersion_index) == 16, "pf_conditions.immersion_index");
PF_ASSERT_(offsetof(pf_conditions, zoom) == 24, "pf_conditions.zoom");
PF_ASSERT_(offsetof(pf_conditions, exposure_s) == 32, "pf_conditions.exposure_s");
PF_ASSERT_(offsetof(pf_conditions, dwell_s) == 40, "pf_conditions.dwell_s");
PF_ASSERT_(offsetof(pf_conditions, light_power_mw) == 48, "pf_conditions.light_power_mw");
PF_ASSERT_(offsetof(pf_conditions, light_fraction) == 56, "pf_conditions.light_fraction");
PF_ASSERT_(offsetof(pf_conditions, detector_gain_v) == 64, "pf_conditions.detector_gain_v");
PF_ASSERT_(offsetof(pf_conditions, detector_offset) == 72, "pf_conditions.detector_offset");
PF_ASSERT_(offsetof(pf_conditions, camera_gain) == 80, "pf_conditions.camera_gain");
PF_ASSERT_(offsetof(pf_conditions, camera_offset) == 88, "pf_conditions.camera_offset");
PF_ASSERT_(offsetof(pf_conditions, read_noise_e) == 96, "pf_conditions.read_noise_e");
PF_ASSERT_(offsetof(pf_conditions, stage_um) == 104, "pf_conditions.stage_um");
PF_ASSERT_(offsetof(pf_conditions, time_s) == 128, "pf_conditions.time_s");
PF_ASSERT_(offsetof(pf_conditions, dose_j_cm2) == 136, "pf_conditions.dose_j_cm2");
PF_ASSERT_(offsetof(pf_conditions, scan_mode) == 144, "pf_conditions.scan_mode");
PF_ASSERT_(offsetof(pf_conditions, averaging) == 148, "pf_conditions.averaging");
PF_ASSERT_(offsetof(pf_conditions, binning) == 152, "pf_conditions.binning");
PF_ASSERT_(offsetof(pf_conditions, bit_depth) == 160, "pf_conditions.bit_depth");
PF_ASSERT_(offsetof(pf_conditions, reserved) == 164, "pf_conditions.reserved");
PF_ASSERT_(sizeof(pf_plane_conditions) == 184, "size of pf_plane_conditions");
PF_ASSERT_(offsetof(pf_plane_conditions, t) == 0, "pf_plane_conditions.t");
PF_ASSERT_(offsetof(pf_plane_conditions, z) == 8, "pf_plane_conditions.z");
PF_ASSERT_(offsetof(pf_plane_conditions, conditions) == 16, "pf_plane_conditions.conditions");
PF_ASSERT_(sizeof(pf_channel) == 272, "size of pf_channel");
PF_ASSERT_(offsetof(pf_channel, name) == 0, "pf_channel.name");
PF_ASSERT_(offsetof(pf_channel, excitation_nm) == 16, "pf_channel.excitation_nm");
PF_ASSERT_(offsetof(pf_channel, emission_nm) == 24, "pf_channel.emission_nm");
PF_ASSERT_(offsetof(pf_channel, modality) == 32, "pf_channel.modality");
PF_ASSERT_(offsetof(pf_channel, color) == 36, "pf_channel.color");
PF_ASSERT_(offsetof(pf_channel, pixel_class) == 40, "pf_channel.pixel_class");
PF_ASSERT_(offsetof(pf_channel, supports) == 44, "pf_channel.supports");
PF_ASSERT_(offsetof(pf_channel, labels_basis) == 48, "pf_channel.labels_basis");
PF_ASSERT_(offsetof(pf_channel, labels_finder) == 52, "pf_channel.labels_finder");
PF_ASSERT_(offsetof(pf_channel, finder_operator) == 56, "pf_channel.finder_operator");
PF_ASSERT_(offsetof(pf_channel, finder_model) == 72, "pf_channel.finder_model");
PF_ASSERT_(offsetof(pf_channel, conditions) == 88, "pf_channel.conditions");
PF_ASSERT_(offsetof(pf_channel, planes) == 256, "pf_channel.planes");
PF_ASSERT_(offsetof(pf_channel, plane_count) == 264, "pf_channel.plane_count");
PF_ASSERT_(sizeof(pf_image_spec) == 120, "size of pf_image_spec");
PF_ASSERT_(offsetof(pf_image_spec, struct_size) == 0, "pf_image_spec.struct_size");
PF_ASSERT_(offsetof(pf_image_spec, name) == 8, "pf_image_spec.name");
PF_ASSERT_(offsetof(pf_image_spec, extent) == 24, "pf_image_spec.extent");
PF_ASSERT_(offsetof(pf_image_spec, dtype) == 64, "pf_image_spec.dtype");
PF_ASSERT_(offsetof(pf_image_spec, significant_bits) == 68, "pf_image_spec.significant_bits");
PF_ASSERT_(offsetof(pf_image_spec, pixel_size_um) == 72, "pf_image_spec.pixel_size_um");
PF_ASSERT_(offsetof(pf_image_spec, time_increment_s) == 96, "pf_image_spec.time_increment_s");
PF_ASSERT_(offsetof(pf_image_spec, channels) == 104, "pf_image_spec.channels");
PF_ASSERT_(offsetof(pf_image_spec, channel_count) == 112, "pf_image_spec.channel_count");
PF_ASSERT_(sizeof(pf_input_tile) == 200, "size of pf_input_tile");
PF_ASSERT_(offsetof(pf_input_tile, data) == 0, "pf_input_tile.data");
PF_ASSERT_(offsetof(pf_input_tile, byte_len) == 8, "pf_input_tile.byte_len");
PF_ASSERT_(offsetof(pf_input_tile, dtype) == 16, "pf_input_tile.dtype");
PF_ASSERT_(offsetof(pf_input_tile, memory_space) == 20, "pf_input_tile.memory_space");
PF_ASSERT_(offsetof(pf_input_tile, handle) == 24, "pf_input_tile.handle");
PF_ASSERT_(offsetof(pf_input_tile, region) == 32, "pf_input_tile.region");
PF_ASSERT_(offsetof(pf_input_tile, strides) == 112, "pf_input_tile.strides");
PF_ASSERT_(offsetof(pf_input_tile, full) == 144, "pf_input_tile.full");
PF_ASSERT_(offsetof(pf_input_tile, planes) == 184, "pf_input_tile.planes");
PF_ASSERT_(offsetof(pf_input_tile, plane_count) == 192, "pf_input_tile.plane_count");
PF_ASSERT_(sizeof(pf_output_tile) == 184, "size of pf_output_tile");
PF_ASSERT_(offsetof(pf_output_tile, data) == 0, "pf_output_tile.data");
PF_ASSERT_(offsetof(pf_output_tile, byte_len) == 8, "pf_output_tile.byte_len");
PF_ASSERT_(offsetof(pf_output_tile, dtype) == 16, "pf_output_tile.dtype");
PF_ASSERT_(offsetof(pf_output_tile, memory_space) == 20, "pf_output_tile.memory_space");
PF_ASSERT_(offsetof(pf_output_tile, handle) == 24, "pf_output_tile.handle");
PF_ASSERT_(offsetof(pf_output_tile, region) == 32, "pf_output_tile.region");
PF_ASSERT_(offsetof(pf_output_tile, strides) == 112, "pf_output_tile.strides");
PF_ASSERT_(offsetof(pf_output_tile, full) == 144, "pf_output_tile.full");
PF_ASSERT_(sizeof(pf_call) == 128, "size of pf_call");
PF_ASSERT_(offsetof(pf_call, struct_size) == 0, "pf_call.struct_size");
PF_ASSERT_(offsetof(pf_call, core) == 8, "pf_call.core");
PF_ASSERT_(offsetof(pf_call, inputs) == 88, "pf_call.inputs");
PF_ASSERT_(offsetof(pf_call, input_count) == 96, "pf_call.input_count");
PF_ASSERT_(offsetof(pf_call, outputs) == 104, "pf_call.outputs");
PF_ASSERT_(offsetof(pf_call, output_count) == 112, "pf_call.output_count");
PF_ASSERT_(offsetof(pf_call, host) == 120, "pf_call.host");
PF_ASSERT_(sizeof(pf_parameter) == 56, "size of pf_parameter");
PF_ASSERT_(offsetof(pf_parameter, name) == 0, "pf_parameter.name");
PF_ASSERT_(offsetof(pf_parameter, kind) == 16, "pf_parameter.kind");
PF_ASSERT_(offsetof(pf_parameter, reserved) == 20, "pf_parameter.reserved");
PF_ASSERT_(offsetof(pf_parameter, integer) == 24, "pf_parameter.integer");
PF_ASSERT_(offsetof(pf_parameter, number) == 32, "pf_parameter.number");
PF_ASSERT_(offsetof(pf_parameter, text) == 40, "pf_parameter.text");
PF_ASSERT_(sizeof(pf_parameter_spec) == 128, "size of pf_parameter_spec");
PF_ASSERT_(offsetof(pf_parameter_spec, name) == 0, "pf_parameter_spec.name");
PF_ASSERT_(offsetof(pf_parameter_spec, doc) == 16, "pf_parameter_spec.doc");
PF_ASSERT_(offsetof(pf_parameter_spec, role) == 32, "pf_parameter_spec.role");
PF_ASSERT_(offsetof(pf_parameter_spec, unit) == 36, "pf_parameter_spec.unit");
PF_ASSERT_(offsetof(pf_parameter_spec, kind) == 40, "pf_parameter_spec.kind");
PF_ASSERT_(offsetof(pf_parameter_spec, reserved) == 44, "pf_parameter_spec.reserved");
PF_ASSERT_(offsetof(pf_parameter_spec, integer_default) == 48, "pf_parameter_spec.integer_default");
PF_ASSERT_(offsetof(pf_parameter_spec, integer_min) == 56, "pf_parameter_spec.integer_min");
PF_ASSERT_(offsetof(pf_parameter_spec, integer_max) == 64, "pf_parameter_spec.integer_max");
PF_ASSERT_(offsetof(pf_parameter_spec, number_default) == 72, "pf_parameter_spec.number_default");
PF_ASSERT_(offsetof(pf_parameter_spec, number_min) == 80, "pf_parameter_spec.number_min");
PF_ASSERT_(offsetof(pf_parameter_spec, number_max) == 88, "pf_parameter_spec.number_max");
PF_ASSERT_(offsetof(pf_parameter_spec, text_default) == 96, "pf_parameter_spec.text_default");
PF_ASSERT_(offsetof(pf_parameter_spec, options) == 112, "pf_parameter_spec.options");
PF_ASSERT_(offsetof(pf_parameter_spec, option_count) == 120, "pf_parameter_spec.option_count");
PF_ASSERT_(sizeof(pf_input_port) == 40, "size of pf_input_port");
PF_ASSERT_(offsetof(pf_input_port, name) == 0, "pf_input_port.name");
PF_ASSERT_(offsetof(pf_input_port, dtypes) == 16, "pf_input_port.dtypes");
PF_ASSERT_(offsetof(pf_input_port, dtype_count) == 24, "pf_input_port.dtype_count");
PF_ASSERT_(offsetof(pf_input_port, labels) == 32, "pf_input_port.labels");
PF_ASSERT_(offsetof(pf_input_port, optional) == 36, "pf_input_port.optional");
PF_ASSERT_(sizeof(pf_output_port) == 24, "size of pf_output_port");
PF_ASSERT_(offsetof(pf_output_port, name) == 0, "pf_output_port.name");
PF_ASSERT_(offsetof(pf_output_port, kind) == 16, "pf_output_port.kind");
PF_ASSERT_(offsetof(pf_output_port, reserved) == 20, "pf_output_port.reserved");
PF_ASSERT_(sizeof(pf_descriptor) == 136, "size of pf_descriptor");
PF_ASSERT_(offsetof(pf_descriptor, struct_size) == 0, "pf_descriptor.struct_size");
PF_ASSERT_(offsetof(pf_descriptor, id) == 8, "pf_descriptor.id");
PF_ASSERT_(offsetof(pf_descriptor, summary) == 24, "pf_descriptor.summary");
PF_ASSERT_(offsetof(pf_descriptor, kind) == 40, "pf_descriptor.kind");
PF_ASSERT_(offsetof(pf_descriptor, threads) == 44, "pf_descriptor.threads");
PF_ASSERT_(offsetof(pf_descriptor, deterministic) == 48, "pf_descriptor.deterministic");
PF_ASSERT_(offsetof(pf_descriptor, yields) == 52, "pf_descriptor.yields");
PF_ASSERT_(offsetof(pf_descriptor, preserves) == 56, "pf_descriptor.preserves");
PF_ASSERT_(offsetof(pf_descriptor, temporal_window) == 60, "pf_descriptor.temporal_window");
PF_ASSERT_(offsetof(pf_descriptor, max_halo) == 68, "pf_descriptor.max_halo");
PF_ASSERT_(offsetof(pf_descriptor, inputs) == 88, "pf_descriptor.inputs");
PF_ASSERT_(offsetof(pf_descriptor, input_count) == 96, "pf_descriptor.input_count");
PF_ASSERT_(offsetof(pf_descriptor, outputs) == 104, "pf_descriptor.outputs");
PF_ASSERT_(offsetof(pf_descriptor, output_count) == 112, "pf_descriptor.output_count");
PF_ASSERT_(offsetof(pf_descriptor, parameters) == 120, "pf_descriptor.parameters");
PF_ASSERT_(offsetof(pf_descriptor, parameter_count) == 128, "pf_descriptor.parameter_count");
PF_ASSERT_(sizeof(pf_plan) == 80, "size of pf_plan");
PF_ASSERT_(offsetof(pf_plan, struct_size) == 0, "pf_plan.struct_size");
PF_ASSERT_(offsetof(pf_plan, outputs) == 8, "pf_plan.outputs");
PF_ASSERT_(offsetof(pf_plan, output_count) == 16, "pf_plan.output_count");
PF_ASSERT_(offsetof(pf_plan, tiling) == 24, "pf_plan.tiling");
PF_ASSERT_(offsetof(pf_plan, reduce_over) == 44, "pf_plan.reduce_over");
PF_ASSERT_(offsetof(pf_plan, padding) == 64, "pf_plan.padding");
PF_ASSERT_(offsetof(pf_plan, bytes_per_pixel) == 68, "pf_plan.bytes_per_pixel");
PF_ASSERT_(offsetof(pf_plan, bytes) == 72, "pf_plan.bytes");
PF_ASSERT_(sizeof(pf_detail) == 32, "size of pf_detail");
PF_ASSERT_(offsetof(pf_detail, key) == 0, "pf_detail.key");
PF_ASSERT_(offsetof(pf_detail, value) == 16, "pf_detail.value");
PF_ASSERT_(sizeof(pf_error_info) == 56, "size of pf_error_info");
PF_ASSERT_(offsetof(pf_error_info, code) == 0, "pf_error_info.code");
PF_ASSERT_(offsetof(pf_error_info, reserved) == 4, "pf_error_info.reserved");
PF_ASSERT_(offsetof(pf_error_info, message) == 8, "pf_error_info.message");
PF_ASSERT_(offsetof(pf_error_info, remedy) == 24, "pf_error_info.remedy");
PF_ASSERT_(offsetof(pf_error_info, details) == 40, "pf_error_info.details");
PF_ASSERT_(offsetof(pf_error_info, detail_count) == 48, "pf_error_info.detail_count");
PF_ASSERT_(sizeof(pf_scalar) == 40, "size of pf_scalar");
PF_ASSERT_(offsetof(pf_scalar, kind) == 0, "pf_scalar.kind");
PF_ASSERT_(offsetof(pf_scalar, reserved) == 4, "pf_scalar.reserved");
PF_ASSERT_(offsetof(pf_scalar, integer) == 8, "pf_scalar.integer");
PF_ASSERT_(offsetof(pf_scalar, number) == 16, "pf_scalar.number");
PF_ASSERT_(offsetof(pf_scalar, text) == 24, "pf_scalar.text");
PF_ASSERT_(sizeof(pf_column) == 24, "size of pf_column");
PF_ASSERT_(offsetof(pf_column, name) == 0, "pf_column.name");
PF_ASSERT_(offsetof(pf_column, unit) == 16, "pf_column.unit");
PF_ASSERT_(offsetof(pf_column, kind) == 20, "pf_column.kind");
PF_ASSERT_(sizeof(pf_field) == 64, "size of pf_field");
PF_ASSERT_(offsetof(pf_field, name) == 0, "pf_field.name");
PF_ASSERT_(offsetof(pf_field, unit) == 16, "pf_field.unit");
PF_ASSERT_(offsetof(pf_field, reserved) == 20, "pf_field.reserved");
PF_ASSERT_(offsetof(pf_field, value) == 24, "pf_field.value");
PF_ASSERT_(sizeof(pf_host) == 112, "size of pf_host");
PF_ASSERT_(offsetof(pf_host, struct_size) == 0, "pf_host.struct_size");
PF_ASSERT_(offsetof(pf_host, context) == 8, "pf_host.context");
PF_ASSERT_(offsetof(pf_host, seed) == 16, "pf_host.seed");
PF_ASSERT_(offsetof(pf_host, log) == 24, "pf_host.log");
PF_ASSERT_(offsetof(pf_host, progress) == 32, "pf_host.progress");
PF_ASSERT_(offsetof(pf_host, is_cancelled) == 40, "pf_host.is_cancelled");
PF_ASSERT_(offsetof(pf_host, set_error) == 48, "pf_host.set_error");
PF_ASSERT_(offsetof(pf_host, answer_plan) == 56, "pf_host.answer_plan");
PF_ASSERT_(offsetof(pf_host, answer_regions) == 64, "pf_host.answer_regions");
PF_ASSERT_(offsetof(pf_host, answer_bytes) == 72, "pf_host.answer_bytes");
PF_ASSERT_(offsetof(pf_host, emit_columns) == 80, "pf_host.emit_columns");
PF_ASSERT_(offsetof(pf_host, emit_rows) == 88, "pf_host.emit_rows");
PF_ASSERT_(offsetof(pf_host, emit_field) == 96, "pf_host.emit_field");
PF_ASSERT_(offsetof(pf_host, get_extension) == 104, "pf_host.get_extension");
PF_ASSERT_(sizeof(pf_operator_table) == 128, "size of pf_operator_table");
PF_ASSERT_(offsetof(pf_operator_table, struct_size) == 0, "pf_operator_table.struct_size");
PF_ASSERT_(offsetof(pf_operator_table, operators) == 8, "pf_operator_table.operators");
PF_ASSERT_(offsetof(pf_operator_table, operator_count) == 16, "pf_operator_table.operator_count");
PF_ASSERT_(offsetof(pf_operator_table, create) == 24, "pf_operator_table.create");
PF_ASSERT_(offsetof(pf_operator_table, destroy) == 32, "pf_operator_table.destroy");
PF_ASSERT_(offsetof(pf_operator_table, plan) == 40, "pf_operator_table.plan");
PF_ASSERT_(offsetof(pf_operator_table, required_input) == 48, "pf_operator_table.required_input");
PF_ASSERT_(offsetof(pf_operator_table, reset) == 56, "pf_operator_table.reset");
PF_ASSERT_(offsetof(pf_operator_table, run) == 64, "pf_operator_table.run");
PF_ASSERT_(offsetof(pf_operator_table, accumulate) == 72, "pf_operator_table.accumulate");
PF_ASSERT_(offsetof(pf_operator_table, merge) == 80, "pf_operator_table.merge");
PF_ASSERT_(offsetof(pf_operator_table, finish) == 88, "pf_operator_table.finish");
PF_ASSERT_(offsetof(pf_operator_table, conclude) == 96, "pf_operator_table.conclude");
PF_ASSERT_(offsetof(pf_operator_table, save) == 104, "pf_operator_table.save");
PF_ASSERT_(offsetof(pf_operator_table, load) == 112, "pf_operator_table.load");
PF_ASSERT_(offsetof(pf_operator_table, get_extension) == 120, "pf_operator_table.get_extension");
#endif

/* ------------------------------------------------------------------------------------------------------------
 * Helpers: everything below is written in terms of the interface above, and may be left out.
 *
 * A plugin whose operators take one image and give one of the same pixel type needs no more than
 *
 *     static int32_t run(const pf_simple *self, const pf_call *call) { ... return PF_OK; }
 *     static const pf_simple_operator operators[] = { { PF_MAP_OPERATOR(...), .run = run } };
 *     PF_PLUGIN("org.example.mine", "0.1.0", operators)
 *
 * Others fill a pf_operator_table of their own and hand it to PF_PLUGIN_TABLE.
 * ------------------------------------------------------------------------------------------------------------ */
#ifndef PF_NO_HELPERS

#include <stdlib.h>
#include <string.h>

/* A text from a string literal. */
#define PF_TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

static inline pf_text pf_text_of(const char *text) {
    pf_text result;
    result.data = (const uint8_t *)text;
    result.len = (uint64_t)strlen(text);
    return result;
}

static inline int pf_text_is(pf_text text, const char *expected) {
    return text.len == strlen(expected) && (text.len == 0 || memcmp(text.data, expected, text.len) == 0);
}

/* Says what went wrong and what the user can do (may be NULL), and returns the code: `return pf_fail(...)`. */
static inline int32_t pf_fail(const pf_host *host, int32_t code, const char *message, const char *remedy) {
    pf_error_info error;
    memset(&error, 0, sizeof error);
    error.code = code;
    error.message = pf_text_of(message);
    error.remedy = pf_text_of(remedy ? remedy : "");
    if (host && host->set_error) host->set_error(host->context, &error);
    return code;
}

/* Whether somebody asked to stop; then return PF_CANCELLED soon. Ask once a row. */
static inline int pf_is_cancelled(const pf_call *call) {
    return call->host->is_cancelled && call->host->is_cancelled(call->host->context) != 0;
}

/* Bytes of a pixel. */
static inline uint64_t pf_pixel_size(uint32_t dtype) {
    switch (dtype) {
    case PF_U8: case PF_I8: case PF_MASK: return 1;
    case PF_U16: case PF_I16: return 2;
    case PF_U32: case PF_F32: return 4;
    default: return 0;
    }
}

/* The number of rows of a region. */
static inline uint64_t pf_row_count(const pf_region *region) {
    return region->extent[4] ? region->extent[0] * region->extent[1] * region->extent[2] * region->extent[3] : 0;
}

static inline uint64_t pf_row_offset(const uint64_t strides[4], const int64_t first[5], const pf_region *rows,
                                     uint64_t index) {
    const uint64_t y = index % rows->extent[3], z = index / rows->extent[3] % rows->extent[2];
    const uint64_t c = index / (rows->extent[3] * rows->extent[2]) % rows->extent[1];
    const uint64_t t = index / (rows->extent[3] * rows->extent[2] * rows->extent[1]);
    return (t + (uint64_t)(rows->origin[0] - first[0])) * strides[0] +
           (c + (uint64_t)(rows->origin[1] - first[1])) * strides[1] +
           (z + (uint64_t)(rows->origin[2] - first[2])) * strides[2] +
           (y + (uint64_t)(rows->origin[3] - first[3])) * strides[3] + (uint64_t)(rows->origin[4] - first[4]);
}

/* The input pixels at the place of row `index` of the region `rows`, which the tile contains. */
static inline const void *pf_input_row(const pf_input_tile *tile, const pf_region *rows, uint64_t index) {
    return (const uint8_t *)tile->data +
           pf_row_offset(tile->strides, tile->region.origin, rows, index) * pf_pixel_size(tile->dtype);
}

/* The output pixels of row `index` of the tile. */
static inline void *pf_output_row(const pf_output_tile *tile, uint64_t index) {
    return (uint8_t *)tile->data +
           pf_row_offset(tile->strides, tile->region.origin, &tile->region, index) * pf_pixel_size(tile->dtype);
}

/* Visits the rows of an output tile with the input pixels at the same place: `x` and `y` point to `n` pixels.
 *
 *     PF_FOR_ROWS(uint16_t, in, out, x, y, n) { for (uint64_t i = 0; i < n; i++) y[i] = x[i]; }
 */
#define PF_FOR_ROWS(type, in, out, x, y, n)                                                                      \
    for (uint64_t pf_row_ = 0, n = (out)->region.extent[4], pf_rows_ = pf_row_count(&(out)->region);             \
         pf_row_ < pf_rows_; ++pf_row_)                                                                          \
        for (const type *x = (const type *)pf_input_row((in), &(out)->region, pf_row_), *pf_once_ = x; pf_once_; \
             pf_once_ = NULL)                                                                                    \
            for (type *y = (type *)pf_output_row((out), pf_row_), *pf_too_ = y; pf_too_; pf_too_ = NULL)

/* Declarations of parameters. */
#define PF_NUMBER(name_, doc_, role_, unit_, default_, min_, max_)                                               \
    { .name = PF_TEXT(name_), .doc = PF_TEXT(doc_), .role = (role_), .unit = (unit_), .kind = PF_KIND_NUMBER,    \
      .number_default = (default_), .number_min = (min_), .number_max = (max_) }
#define PF_INTEGER(name_, doc_, role_, unit_, default_, min_, max_)                                              \
    { .name = PF_TEXT(name_), .doc = PF_TEXT(doc_), .role = (role_), .unit = (unit_), .kind = PF_KIND_INTEGER,   \
      .integer_default = (default_), .integer_min = (min_), .integer_max = (max_) }
#define PF_FLAG(name_, doc_, role_, default_)                                                                    \
    { .name = PF_TEXT(name_), .doc = PF_TEXT(doc_), .role = (role_), .kind = PF_KIND_FLAG,                       \
      .integer_default = (default_) }

#define PF_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Most parameters that a simple operator may have. */
#define PF_SIMPLE_PARAMETERS 16

typedef struct pf_simple_operator pf_simple_operator;

/* An instance of a simple operator: its parameters, in the order of their declaration. */
typedef struct pf_simple {
    const pf_simple_operator *of;
    double numbers[PF_SIMPLE_PARAMETERS];
    int64_t integers[PF_SIMPLE_PARAMETERS];
} pf_simple;

/* An operator that takes one image and gives one of the same pixel type, tile by tile. */
struct pf_simple_operator {
    pf_descriptor descriptor;
    /* Computes one tile: call->outputs[0] from call->inputs[0], which is larger by the halo. */
    int32_t (*run)(const pf_simple *self, const pf_call *call);
    /* Pixels around the output that it looks at, along T C Z Y X. */
    uint32_t halo[5];
    /* What the host fills in where the halo reaches beyond the image: PF_PAD_SYMMETRIC unless you say PF_PAD_REFLECT,
     * PF_PAD_EDGE or PF_PAD_ZERO. Tiles always have their whole halo. */
    uint32_t padding;
};

static const pf_output_port pf_image_output_ = { .name = PF_TEXT("image"), .kind = 1, .reserved = 0 };

/* The descriptor of a simple operator. `port_` is the address of a pf_input_port, `parameters_` an array of
 * pf_parameter_spec (or NULL with count 0), `preserves_` a sum of PF_SUPPORT_... */
#define PF_MAP_OPERATOR(id_, summary_, port_, parameters_, parameter_count_, preserves_)                         \
    .descriptor = { .struct_size = sizeof(pf_descriptor), .id = PF_TEXT(id_), .summary = PF_TEXT(summary_),      \
                    .kind = 1, .threads = 2, .yields = 2, .preserves = (preserves_), .inputs = (port_),          \
                    .input_count = 1, .outputs = &pf_image_output_, .output_count = 1,                           \
                    .parameters = (parameters_), .parameter_count = (parameter_count_) }

/* The parameter at this place of the declaration. */
static inline double pf_number(const pf_simple *self, uint32_t index) {
    return index < PF_SIMPLE_PARAMETERS ? self->numbers[index] : 0.0;
}
static inline int64_t pf_integer(const pf_simple *self, uint32_t index) {
    return index < PF_SIMPLE_PARAMETERS ? self->integers[index] : 0;
}

static inline int32_t pf_simple_create_(const pf_simple_operator *operators, uint64_t count, const pf_host *host,
                                        pf_text id, const pf_parameter *parameters, uint64_t parameter_count,
                                        void **instance) {
    for (uint64_t i = 0; i < count; i++) {
        const pf_descriptor *d = &operators[i].descriptor;
        if (d->id.len != id.len || memcmp(d->id.data, id.data, id.len) != 0) continue;
        if (d->parameter_count > PF_SIMPLE_PARAMETERS)
            return pf_fail(host, PF_NOT_SUPPORTED, "a simple operator has at most 16 parameters", NULL);
        for (uint64_t p = 0; p < d->parameter_count; p++)
            if (d->parameters[p].kind > PF_KIND_NUMBER)
                return pf_fail(host, PF_NOT_SUPPORTED, "a simple operator takes flags, integers and numbers", NULL);
        pf_simple *self = (pf_simple *)calloc(1, sizeof *self);
        if (!self) return pf_fail(host, PF_OUT_OF_MEMORY, "no memory for an instance", NULL);
        self->of = &operators[i];
        for (uint64_t p = 0; p < d->parameter_count; p++)
            for (uint64_t v = 0; v < parameter_count; v++) {
                const pf_text name = d->parameters[p].name;
                if (parameters[v].name.len != name.len || memcmp(parameters[v].name.data, name.data, name.len) != 0)
                    continue;
                self->numbers[p] = parameters[v].kind == 3 ? parameters[v].number : (double)parameters[v].integer;
                self->integers[p] = parameters[v].integer;
            }
        *instance = self;
        return PF_OK;
    }
    return pf_fail(host, PF_NOT_FOUND, "the plugin has no operator of this name", NULL);
}

static inline void pf_simple_destroy_(void *instance) { free(instance); }

static inline int32_t pf_simple_plan_(void *instance, const pf_host *host, const pf_image_spec *inputs,
                               uint64_t input_count) {
    const pf_simple *self = (const pf_simple *)instance;
    pf_plan plan;
    if (input_count != 1) return pf_fail(host, PF_INVALID_ARGUMENT, "one image is taken", NULL);
    memset(&plan, 0, sizeof plan);
    plan.struct_size = sizeof plan;
    plan.outputs = inputs;
    plan.output_count = 1;
    plan.padding = self->of->padding ? self->of->padding : PF_PAD_SYMMETRIC;
    host->answer_plan(host->context, &plan);
    return PF_OK;
}

static inline int32_t pf_simple_required_input_(void *instance, const pf_host *host, const pf_region *core) {
    const pf_simple *self = (const pf_simple *)instance;
    pf_region region = *core;
    for (int axis = 0; axis < 5; axis++) {
        region.origin[axis] -= self->of->halo[axis];
        region.extent[axis] += 2 * (uint64_t)self->of->halo[axis];
    }
    host->answer_regions(host->context, &region, 1);
    return PF_OK;
}

static inline int32_t pf_simple_run_(void *instance, const pf_call *call) {
    const pf_simple *self = (const pf_simple *)instance;
    if (call->struct_size != sizeof *call || call->input_count != 1 || call->output_count != 1)
        return pf_fail(call->host, PF_INVALID_ARGUMENT, "one image in, one out", NULL);
    if (call->inputs[0].memory_space != 0 || call->outputs[0].memory_space != 0)
        return pf_fail(call->host, PF_NOT_SUPPORTED, "not supported: pixels outside the host's memory", NULL);
    return self->of->run(self, call);
}

/* Put into the plugin's bytes, so that a host can tell what it is without running it. */
#if defined(__wasm__)
#define PF_NOTE_SECTION_ __attribute__((section("parfocal"), used))
#elif defined(__GNUC__)
#define PF_NOTE_SECTION_ __attribute__((section(".parfocal"), used))
#else
#define PF_NOTE_SECTION_
#endif
#if defined(__GNUC__)
#define PF_EXPORT_ __attribute__((visibility("default")))
#elif defined(_WIN32)
#define PF_EXPORT_ __declspec(dllexport)
#else
#define PF_EXPORT_
#endif
#ifdef __cplusplus
#define PF_EXTERN_ extern "C"
#else
#define PF_EXTERN_
#endif

/* Exports a plugin whose `table_` is an expression of type `const pf_operator_table *`; once in a library. */
#define PF_PLUGIN_TABLE(id_, version_, table_)                                                                   \
    PF_NOTE_SECTION_ static const char pf_note_[] = "PARFOCAL-NOTE 1\nid " id_ "\nversion " version_             \
        "\nlanguage c\ninterface operator/" PF_OPERATOR_VERSION_TEXT "\nend\n";                                  \
    static int32_t pf_get_interface_(pf_text name, uint32_t host_min, uint32_t host_max, pf_negotiated *answer) { \
        if (!pf_text_is(name, "operator")) return PF_NOT_FOUND;                                                  \
        memset(answer, 0, sizeof *answer);                                                                       \
        answer->min = answer->max = PF_OPERATOR_VERSION;                                                         \
        if (host_min <= PF_OPERATOR_VERSION && PF_OPERATOR_VERSION <= host_max) {                                \
            answer->chosen = PF_OPERATOR_VERSION;                                                                \
            answer->table = (table_);                                                                            \
        }                                                                                                        \
        return PF_OK;                                                                                            \
    }                                                                                                            \
    static const void *pf_no_extension_(pf_text id) { (void)id; return NULL; }                                   \
    PF_EXTERN_ PF_EXPORT_ const pf_entry *parfocal_entry(uint32_t host_min, uint32_t host_max) {                 \
        static const pf_entry entry = { sizeof(pf_entry), PF_ENTRY_VERSION, PF_ENTRY_VERSION, PF_ENTRY_VERSION,  \
                                        0, PF_TEXT(id_), PF_TEXT(version_), pf_get_interface_,                   \
                                        pf_no_extension_ };                                                      \
        static const pf_entry refusal = { sizeof(pf_entry), 0, PF_ENTRY_VERSION, PF_ENTRY_VERSION, 0,            \
                                          { NULL, 0 }, { NULL, 0 }, NULL, NULL };                                \
        return host_min <= PF_ENTRY_VERSION && PF_ENTRY_VERSION <= host_max ? &entry : &refusal;                 \
    }

/* Exports a plugin of simple operators: an array of pf_simple_operator; once in a library. */
#define PF_PLUGIN(id_, version_, operators_)                                                                     \
    static pf_descriptor pf_descriptors_[PF_COUNT(operators_)];                                                  \
    static int32_t pf_create_(const pf_host *host, pf_text id, const pf_parameter *parameters, uint64_t count,   \
                              void **instance) {                                                                 \
        return pf_simple_create_(operators_, PF_COUNT(operators_), host, id, parameters, count, instance);       \
    }                                                                                                            \
    static const pf_operator_table *pf_table_(void) {                                                            \
        static pf_operator_table table;                                                                          \
        for (uint64_t i = 0; i < PF_COUNT(operators_); i++) pf_descriptors_[i] = (operators_)[i].descriptor;     \
        table.struct_size = sizeof table;                                                                        \
        table.operators = pf_descriptors_;                                                                       \
        table.operator_count = PF_COUNT(operators_);                                                             \
        table.create = pf_create_;                                                                               \
        table.destroy = pf_simple_destroy_;                                                                      \
        table.plan = pf_simple_plan_;                                                                            \
        table.required_input = pf_simple_required_input_;                                                        \
        table.run = pf_simple_run_;                                                                              \
        return &table;                                                                                           \
    }                                                                                                            \
    PF_PLUGIN_TABLE(id_, version_, pf_table_())

#endif /* PF_NO_HELPERS */

#endif /* PARFOCAL_H */
