// A test framework of one page. A check that fails is printed and counted, and the program returns
// non-zero; so does a test that checks nothing, and a group without tests.
#pragma once

#include <functional>
#include <string>
#include <type_traits>

namespace lenet::test {

struct Test {
    Test(const char* group, const char* name, void (*run)());

    const char *group, *name;
    void (*run)();
    Test* next;
};

// What is being tried, e.g. "avx2, conv 3x3 stride 2": printed before a failure in its scope.
class Scope {
public:
    explicit Scope(const std::string& what);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
};

// Counts a check; prints it if it does not hold.
void check(bool holds, const char* file, int line, const std::string& what);

// Within tolerance * max(1, |expected|), or both the same infinity, or both not a number.
void check_near(double found, double expected, double tolerance, const char* file, int line,
                const std::string& what);

// run must throw std::invalid_argument whose text holds `words`.
void check_refused(const std::function<void()>& run, const std::string& words, const char* file,
                   int line, const std::string& what);

template <typename T>
std::string text_of(const T& value) {
    if constexpr (std::is_arithmetic_v<T>) return std::to_string(value);
    else return std::string(value);
}

}  // namespace lenet::test

#define LENET_TEST(group, name)                                                     \
    static void group##_##name();                                                   \
    static const lenet::test::Test test_##group##_##name(#group, #name, group##_##name); \
    static void group##_##name()

#define CHECK(condition) lenet::test::check(bool(condition), __FILE__, __LINE__, #condition)

#define CHECK_EQUAL(found, expected)                                            \
    do {                                                                        \
        const auto found_ = (found);                                            \
        const decltype(found_) expected_ = (expected);                          \
        lenet::test::check(found_ == expected_, __FILE__, __LINE__,             \
                           std::string(#found) + " is " + lenet::test::text_of(found_) + \
                               ", expected " + lenet::test::text_of(expected_)); \
    } while (0)

#define CHECK_NEAR(found, expected, tolerance) \
    lenet::test::check_near(found, expected, tolerance, __FILE__, __LINE__, #found)

// The statement must throw std::invalid_argument whose text holds `words`.
#define CHECK_REFUSED(statement, words) \
    lenet::test::check_refused([&] { statement; }, words, __FILE__, __LINE__, #statement)
