/* A plugin that keeps the contract but for one symbol too many: `add_one` is meant for its own use, and can be called, or
 * be taken for another library's function of that name, by everybody in the process.
 *
 *     cc -O2 -shared -fPIC -fvisibility=hidden -o two_doors.so two_doors.c
 */
#include "parfocal.h"

static const uint32_t dtypes[] = { PF_U16 };
static const pf_input_port image = PF_IMAGE_INPUT("image", dtypes);

/* The fault: without this line the symbol is hidden as all others are. */
__attribute__((visibility("default")))
uint16_t add_one(uint16_t value) {
    return value < 65535 ? (uint16_t)(value + 1) : value;
}

static int32_t run(const pf_simple *self, const pf_call *call) {
    (void)self;
    const pf_input_tile *in = &call->inputs[0];
    const pf_output_tile *out = &call->outputs[0];
    PF_FOR_ROWS(uint16_t, in, out, x, y, n) {
        if (pf_is_cancelled(call)) return PF_CANCELLED;
        for (uint64_t i = 0; i < n; i++) y[i] = add_one(x[i]);
    }
    return PF_OK;
}

static const pf_simple_operator operators[] = {
    { PF_MAP_OPERATOR("add-one", "Adds one grey level, and stays at the largest.", &image, NULL, 0, PF_SUPPORT_ALL),
      .run = run },
};

PF_PLUGIN("org.parfocal.saboteurs", "0.1.0", operators)
