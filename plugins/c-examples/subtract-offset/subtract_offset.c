/* Subtracts a constant offset and clamps at zero: the smallest plugin in C.
 *
 *     cc -O2 -shared -fPIC -fvisibility=hidden -o libsubtract_offset.so subtract_offset.c
 */
#include "parfocal.h"

static const pf_parameter_spec parameters[] = {
    PF_NUMBER("offset", "Offset of the detector, in its own counts.", PF_SETTING, PF_UNIT_GREY_LEVEL, 100, 0, 65535),
};

static const uint32_t dtypes[] = { PF_U8, PF_U16, PF_F32 };
static const pf_input_port image = PF_IMAGE_INPUT("image", dtypes);

#define SUBTRACT(type)                                                          \
    PF_FOR_ROWS(type, in, out, x, y, n) {                                       \
        if (pf_is_cancelled(call)) return PF_CANCELLED;                         \
        for (uint64_t i = 0; i < n; i++) y[i] = (type)(x[i] > offset ? x[i] - offset : 0); \
    }

static int32_t run(const pf_simple *self, const pf_call *call) {
    const pf_input_tile *in = &call->inputs[0];
    const pf_output_tile *out = &call->outputs[0];
    const float offset = (float)pf_number(self, 0);
    switch (in->dtype) {
    case PF_U8: SUBTRACT(uint8_t); break;
    case PF_U16: SUBTRACT(uint16_t); break;
    case PF_F32: SUBTRACT(float); break;
    default: return pf_fail(call->host, PF_NOT_SUPPORTED, "not supported: pixels of this type", NULL);
    }
    return PF_OK;
}

static const pf_simple_operator operators[] = {
    { PF_MAP_OPERATOR("subtract-offset", "Subtracts a constant offset and clamps at zero.", &image, parameters,
                      PF_COUNT(parameters), PF_SUPPORT_ALL), .run = run },
};

PF_PLUGIN("org.example.subtract-offset-c", "0.1.0", operators)
