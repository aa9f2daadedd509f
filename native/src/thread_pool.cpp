#include "thread_pool.h"

#include "layout.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <unistd.h>
#endif

namespace lenet {
namespace {

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
    asm volatile("yield");
#endif
}

// How many processors this process may use.
int processors() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    return int(std::thread::hardware_concurrency());
}

// process: a number that a fork's child does not share with its parent. sleep_while and wake_all: as
// std::atomic's wait and notify_all, which in GCC's library for Windows may miss the change.
#if defined(_WIN32)
int process() { return 0; }  // nothing forks

template <typename T>
void sleep_while(std::atomic<T>& number, T value) {
    while (number.load(std::memory_order_acquire) == value)
        WaitOnAddress(&number, &value, sizeof value, INFINITE);
}

template <typename T>
void wake_all(std::atomic<T>& number) {
    WakeByAddressAll(&number);
}
#else
int process() { return getpid(); }

template <typename T>
void sleep_while(std::atomic<T>& number, T value) {
    number.wait(value, std::memory_order_acquire);
}

template <typename T>
void wake_all(std::atomic<T>& number) {
    number.notify_all();
}
#endif

// Between two steps a wait lasts microseconds: spin that long, then let the processor go.
template <typename Done>
void spin_until(int spins, Done done) {
    for (int i = 0; i < spins && !done(); i++) pause();
}

}  // namespace

ThreadPool::ThreadPool(int threads) : queues_(size_t(threads)), process_(process()) {
    // More threads than processors: spinning would take the time that the work needs.
    spins_ = threads > processors() ? 0 : 20'000;
    try {
        for (int worker = 1; worker < threads; worker++)
            threads_.emplace_back([this, worker] { serve(worker); });
    } catch (...) {  // the system gives no more threads: those that started must end first
        stop();
        throw;
    }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
    if (process() != process_) {
        // A fork's child has none of its parent's threads: nothing will end, and the handles may
        // by now name threads that the child has started. They are left alone.
        new std::vector<std::thread>(std::move(threads_));
        return;
    }
    stop_.store(true, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    wake_all(round_);
    for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::deal(int count) {
    const Split own{count, size()};
    for (int worker = 0; worker < size(); worker++)
        queues_[size_t(worker)].set(own.begin(worker), own.begin(worker + 1));
}

void ThreadPool::deal(const std::vector<int>& ends) {
    for (int worker = 0; worker < size(); worker++)
        queues_[size_t(worker)].set(worker ? ends[size_t(worker) - 1] : 0, ends[size_t(worker)]);
}

void ThreadPool::start(void* work, Call call) {
    if (threads_.empty()) return;
    work_ = work;
    call_ = call;
    const uint32_t round = round_.load(std::memory_order_relaxed) + 1;
    gate_.store(uint64_t(round) << 32, std::memory_order_release);
    round_.store(round, std::memory_order_release);
    wake_all(round_);
}

// No jobs are left: lets nobody in any more and waits for those who are.
void ThreadPool::finish() {
    if (threads_.empty()) return;
    gate_.fetch_or(closed, std::memory_order_acq_rel);
    const auto empty = [&] { return !(gate_.load(std::memory_order_acquire) & inside); };
    spin_until(spins_, empty);
    while (!empty()) {
        const uint64_t gate = gate_.load(std::memory_order_acquire);
        if (gate & inside) sleep_while(gate_, gate);
    }
}

bool ThreadPool::enter(uint32_t round) {
    uint64_t gate = gate_.load(std::memory_order_relaxed);
    while (gate >> 32 == round && !(gate & closed))
        if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire)) return true;
    return false;
}

void ThreadPool::serve(int worker) {
    uint32_t seen = 0;
    for (;;) {
        spin_until(spins_, [&] { return round_.load(std::memory_order_acquire) != seen; });
        sleep_while(round_, seen);
        seen = round_.load(std::memory_order_acquire);
        if (stop_.load(std::memory_order_relaxed)) return;
        if (!enter(seen)) continue;
        call_(work_, worker);
        const uint64_t left = gate_.fetch_sub(1, std::memory_order_release) - 1;
        if ((left & closed) && !(left & inside)) wake_all(gate_);
    }
}

}  // namespace lenet
