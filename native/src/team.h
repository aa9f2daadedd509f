// A team of threads that lives as long as its session: the caller is its first member.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace lenet {

class Team {
public:
    explicit Team(int threads);
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    int size() const { return int(helpers_.size()) + 1; }

    // Calls work(member) on every member and returns when all are done. Jobs that the members
    // share out are taken from `next`, which starts at zero.
    template <typename Work>
    void run(Work& work) {
        start(&work, [](void* self, int member) { (*static_cast<Work*>(self))(member); });
        work(0);
        wait();
    }

    int next() { return next_.fetch_add(1, std::memory_order_relaxed); }

private:
    using Call = void (*)(void*, int);
    void start(void* work, Call call);
    void wait();
    void stop();
    void help(int member);

    std::vector<std::thread> helpers_;
    void* work_ = nullptr;
    Call call_ = nullptr;
    std::atomic<int> next_{0};
    alignas(64) std::atomic<uint32_t> round_{0};  // odd or even: a new round of work
    alignas(64) std::atomic<uint32_t> busy_{0};
    std::atomic<bool> stop_{false};
    int process_;  // that started the threads: a fork's child has none of them
    int spins_;  // looks before a waiting thread sleeps
};

}  // namespace lenet
