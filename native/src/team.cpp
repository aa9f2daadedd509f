#include "team.h"

#include <unistd.h>

namespace lenet {
namespace {

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Between two steps a wait lasts microseconds: spin that long, then let the processor go.
template <typename Done>
void spin_until(int spins, Done done) {
    for (int i = 0; i < spins && !done(); i++) pause();
}

}  // namespace

Team::Team(int threads) : process_(getpid()) {
    // More threads than processors: spinning would take the time that the work needs.
    const unsigned processors = std::thread::hardware_concurrency();
    spins_ = unsigned(threads) > processors ? 0 : 20'000;
    try {
        for (int member = 1; member < threads; member++)
            helpers_.emplace_back([this, member] { help(member); });
    } catch (...) {  // the system gives no more threads: those that started must end first
        stop();
        throw;
    }
}

Team::~Team() { stop(); }

void Team::stop() {
    if (getpid() != process_) {
        // A fork's child has none of its parent's threads: nothing will end, and the handles may
        // by now name threads that the child has started. They are left alone.
        new std::vector<std::thread>(std::move(helpers_));
        return;
    }
    stop_.store(true, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
}

void Team::start(void* work, Call call) {
    next_.store(0, std::memory_order_relaxed);
    if (helpers_.empty()) return;
    work_ = work;
    call_ = call;
    busy_.store(uint32_t(helpers_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
}

void Team::wait() {
    if (helpers_.empty()) return;
    spin_until(spins_, [&] { return busy_.load(std::memory_order_acquire) == 0; });
    while (uint32_t busy = busy_.load(std::memory_order_acquire)) busy_.wait(busy);
}

void Team::help(int member) {
    uint32_t seen = 0;
    for (;;) {
        spin_until(spins_, [&] { return round_.load(std::memory_order_acquire) != seen; });
        round_.wait(seen, std::memory_order_acquire);
        seen = round_.load(std::memory_order_acquire);
        if (stop_.load(std::memory_order_relaxed)) return;
        call_(work_, member);
        if (busy_.fetch_sub(1, std::memory_order_release) == 1) busy_.notify_all();
    }
}

}  // namespace lenet
