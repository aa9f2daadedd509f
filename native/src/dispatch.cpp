// Which instruction sets this build holds and this processor runs.
#include <stdexcept>
#include <string>

#include "kernels.h"

namespace lenet {
namespace {

struct Choice {
    const char* name;
    const Kernels& (*kernels)();
    bool (*runs)();
};

const Choice choices[] = {
#if defined(LENET_X86)
    {"avx512", avx512::kernels,
     [] {
         return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
     }},
    {"avx2", avx2::kernels,
     [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#endif
    {"baseline", baseline::kernels, [] { return true; }},
};

}  // namespace

const char* const* available_isas() {
    struct Names {
        const char* list[4] = {};
        Names() {
            int count = 0;
            for (const Choice& choice : choices)
                if (choice.runs()) list[count++] = choice.name;
        }
    };
    static const Names names;  // filled once, whoever asks first
    return names.list;
}

const Kernels& choose_kernels(const char* isa) {
    const std::string wanted = isa;
    std::string allowed = "auto";
    for (const Choice& choice : choices) {
        if (!choice.runs()) continue;
        if (wanted == "auto" || wanted == choice.name) return choice.kernels();
        allowed += std::string(", ") + choice.name;
    }
    throw std::invalid_argument("instruction set '" + wanted +
                                "' is unknown or this processor does not have it; choose one of " +
                                allowed + ".");
}

}  // namespace lenet
