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

    // Calls work(member) on the caller, member 0, and on each other member that is awake before the
    // caller is done; returns when all that began are done. A member that the system keeps
    // waiting is not waited for: the work must be jobs, dealt before and taken from `next`.
    template <typename Work>
    void run(Work& work) {
        struct End {
            Team& team;
            ~End() { team.finish(); }  // also where the caller's own part throws
        };
        start(&work, [](void* self, int member) { (*static_cast<Work*>(self))(member); });
        const End end{*this};
        work(0);
    }

    // Jobs 0 .. count-1 are to be done. Every member has neighbouring ones for its own, the same ones
    // each time, so that what they work on stays in its caches: jobs up to ends[member], or equally
    // many.
    void deal(int count);
    void deal(const std::vector<int>& ends);

    // A job for this member: of its own, or else of another's. -1: none is left.
    int next(int member) {
        for (int m = member, left = size(); left > 0; left--, m = m + 1 < size() ? m + 1 : 0) {
            Hand& hand = hands_[size_t(m)];
            if (hand.next.load(std::memory_order_relaxed) >= hand.end) continue;
            const int job = hand.next.fetch_add(1, std::memory_order_relaxed);
            if (job < hand.end) return job;
        }
        return -1;
    }

private:
    using Call = void (*)(void*, int);
    void start(void* work, Call call);
    void finish();
    void stop();
    void help(int member);
    bool enter(uint32_t round);

    struct alignas(64) Hand {
        std::atomic<int> next{0};
        int end = 0;

        void hold(int first, int last) {
            next.store(first, std::memory_order_relaxed);
            end = last;
        }
    };

    std::vector<std::thread> helpers_;
    std::vector<Hand> hands_;  // one a member
    void* work_ = nullptr;
    Call call_ = nullptr;
    alignas(64) std::atomic<uint32_t> round_{0};
    // Who may enter, and who is inside: the round's number, whether it is closed, how many helpers
    // are at work.
    alignas(64) std::atomic<uint64_t> gate_{closed};
    static constexpr uint64_t closed = uint64_t(1) << 31, inside = closed - 1;
    std::atomic<bool> stop_{false};
    int process_;  // that started the threads: a fork's child has none of them
    int spins_;  // looks before a waiting thread sleeps
};

}  // namespace lenet
