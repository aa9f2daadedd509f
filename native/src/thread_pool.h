// A pool of threads that lives as long as its session: the caller is its first worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace lenet {

class ThreadPool {
public:
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const { return int(threads_.size()) + 1; }

    // Calls work(worker) on the caller, worker 0, and on each other worker that is awake before the
    // caller is done; returns when all that began are done. A worker that the system keeps
    // waiting is not waited for: the work must be jobs, dealt before and taken from `next`.
    template <typename Work>
    void run(Work& work) {
        struct End {
            ThreadPool& pool;
            ~End() { pool.finish(); }  // also where the caller's own part throws
        };
        start(&work, [](void* self, int worker) { (*static_cast<Work*>(self))(worker); });
        const End end{*this};
        work(0);
    }

    // Jobs 0 .. count-1 are to be done. Every worker has neighbouring ones for its own, the same ones
    // each time, so that what they work on stays in its caches: jobs up to ends[worker], or equally
    // many.
    void deal(int count);
    void deal(const std::vector<int>& ends);

    // A job for this worker: of its own, or else of another's. -1: none is left.
    int next(int worker) {
        for (int m = worker, left = size(); left > 0; left--, m = m + 1 < size() ? m + 1 : 0) {
            Queue& queue = queues_[size_t(m)];
            if (queue.next.load(std::memory_order_relaxed) >= queue.end) continue;
            const int job = queue.next.fetch_add(1, std::memory_order_relaxed);
            if (job < queue.end) return job;
        }
        return -1;
    }

private:
    using Call = void (*)(void*, int);
    void start(void* work, Call call);
    void finish();
    void stop();
    void serve(int worker);
    bool enter(uint32_t round);

    struct alignas(64) Queue {
        std::atomic<int> next{0};
        int end = 0;

        void set(int first, int last) {
            next.store(first, std::memory_order_relaxed);
            end = last;
        }
    };

    std::vector<std::thread> threads_;
    std::vector<Queue> queues_;  // one per worker
    void* work_ = nullptr;
    Call call_ = nullptr;
    alignas(64) std::atomic<uint32_t> round_{0};
    // Who may enter, and who is inside: the round's number, whether it is closed, how many threads
    // are at work.
    alignas(64) std::atomic<uint64_t> gate_{closed};
    static constexpr uint64_t closed = uint64_t(1) << 31, inside = closed - 1;
    std::atomic<bool> stop_{false};
    int process_;  // that started the threads: a fork's child has none of them
    int spins_;  // looks before a waiting thread sleeps
};

}  // namespace lenet
