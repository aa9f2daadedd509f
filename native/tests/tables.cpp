#include "tables.h"

#include <cstring>

namespace lenet::test {

const std::vector<Table>& tables() {
    static const std::vector<Table> all = [] {
        std::vector<Table> found;
        for (const char* const* name = available_isas(); *name; name++) {
            const Functions* functions = &baseline::functions();
#if defined(LENET_X86)
            if (!std::strcmp(*name, "avx2")) functions = &avx2::functions();
            if (!std::strcmp(*name, "avx512")) functions = &avx512::functions();
#endif
            found.push_back({&choose_kernels(*name), functions});
        }
        found.push_back({&wide::kernels(), &wide::functions()});
        return found;
    }();
    return all;
}

}  // namespace lenet::test
