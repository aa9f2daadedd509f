// Runs every test, or those of one group: native_tests [group].
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <vector>

#include "check.h"

namespace lenet::test {
namespace {

constexpr long shown_a_test = 8;  // a broken kernel fails thousands of checks

Test*& first() {
    static Test* test = nullptr;
    return test;
}

std::vector<std::string> scopes;
long checks = 0, failures = 0;

}  // namespace

Test::Test(const char* in, const char* called, void (*function)())
    : group(in), name(called), run(function), next(first()) {
    first() = this;
}

Scope::Scope(const std::string& what) { scopes.push_back(what); }
Scope::~Scope() { scopes.pop_back(); }

void check(bool holds, const char* file, int line, const std::string& what) {
    checks++;
    if (holds) return;
    if (++failures > shown_a_test) return;
    std::printf("  %s:%d:", file, line);
    for (const std::string& scope : scopes) std::printf(" [%s]", scope.c_str());
    std::printf(" %s\n", what.c_str());
}

void check_near(double found, double expected, double tolerance, const char* file, int line,
                const std::string& what) {
    const double allowed = tolerance * std::fmax(1.0, std::fabs(expected));
    const bool near = std::isfinite(expected) ? std::fabs(found - expected) <= allowed
                                              : found == expected ||
                                                    (std::isnan(found) && std::isnan(expected));
    if (near) {
        checks++;
        return;
    }
    char numbers[120];
    std::snprintf(numbers, sizeof numbers, " is %.9g, expected %.9g within %.2g", found, expected,
                  allowed);
    check(false, file, line, what + numbers);
}

void check_refused(const std::function<void()>& run, const std::string& words, const char* file,
                   int line, const std::string& what) {
    std::string refusal = "not refused";
    try {
        run();
    } catch (const std::invalid_argument& error) {
        refusal = error.what();
    }
    check(refusal.find(words) != std::string::npos, file, line,
          what + ": '" + refusal + "' does not say '" + words + "'");
}

// Returns whether the test passed.
bool run(const Test& test) {
    checks = failures = 0;
    try {
        test.run();
    } catch (const std::exception& error) {
        check(false, test.name, 0, std::string("threw: ") + error.what());
    }
    if (!checks) check(false, test.name, 0, "the test checks nothing");
    std::printf("%s %s.%s: %ld checks, %ld failed\n", failures ? "FAIL" : "ok  ", test.group,
                test.name, checks, failures);
    std::fflush(stdout);
    return !failures;
}

int run_all(const char* group) {
    long ran = 0, failed = 0;
    for (const Test* test = first(); test; test = test->next) {
        if (group && std::strcmp(group, test->group) != 0) continue;
        ran++;
        failed += !run(*test);
    }
    if (!ran) std::printf("no test is in the group '%s'\n", group ? group : "");
    return failed || !ran;
}

}  // namespace lenet::test

int main(int count, char** arguments) {
    return lenet::test::run_all(count > 1 ? arguments[1] : nullptr);
}
