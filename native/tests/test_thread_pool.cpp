// The threads: a worker works at most once per round and the caller always, jobs go to one worker
// each, pools start and stop in any number, several at once. Most of this is for the thread sanitizer.
#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>

#include "check.h"
#include "plain.h"
#include "thread_pool.h"

namespace lenet::test {
namespace {

void check_rounds(int threads, int rounds, bool sleepy) {
    Scope scope(std::to_string(threads) + " threads");
    ThreadPool pool(threads);
    CHECK_EQUAL(pool.size(), threads);
    std::vector<int> calls(size_t(threads), 0);
    for (int round = 1; round <= rounds; round++) {
        std::vector<int> done(37, 0);  // written without atomics: the pool must order it
        auto work = [&](int worker) {
            calls[size_t(worker)]++;
            for (int job; (job = pool.next(worker)) >= 0;) done[size_t(job)]++;
        };
        pool.deal(int(done.size()));
        pool.run(work);
        bool every_job_once = true, no_member_twice = true;
        for (int count : done) every_job_once = every_job_once && count == 1;
        for (int count : calls) no_member_twice = no_member_twice && count <= round;
        CHECK(every_job_once);
        CHECK(no_member_twice);
        CHECK_EQUAL(calls[0], round);
        // Longer than a waiting thread spins: the next round has to wake sleepers.
        if (sleepy) std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
}

// Helpers come as long as the caller is at work, from a spin and from sleep.
LENET_TEST(thread_pool, helpers_come) {
    for (int pause : {0, 3}) {
        ThreadPool pool(3);
        for (int round = 0; round < 20; round++) {
            std::this_thread::sleep_for(std::chrono::milliseconds(pause));
            std::atomic<int> here{0};
            const auto start = std::chrono::steady_clock::now();
            auto work = [&](int) {
                here++;
                while (here < 3 && std::chrono::steady_clock::now() - start < std::chrono::seconds(20))
                    std::this_thread::yield();
            };
            pool.run(work);
            CHECK_EQUAL(here.load(), 3);
        }
    }
}

LENET_TEST(thread_pool, every_job_once_a_round) {
    for (int threads : {1, 2, 3, 4}) check_rounds(threads, 300, false);
    check_rounds(3, 20, true);
    check_rounds(33, 20, false);  // more than processors
}

// A worker does its own jobs first, then the others': alone it does all, in an order that begins
// with its own.
LENET_TEST(thread_pool, workers_begin_with_their_own) {
    ThreadPool pool(3);
    const std::vector<std::vector<int>> expected{
        {0, 1, 2, 3, 4, 5, 6}, {3, 4, 5, 6, 0, 1, 2}, {5, 6, 0, 1, 2, 3, 4}};
    for (int worker = 0; worker < 3; worker++) {
        std::vector<int> jobs;
        pool.deal(7);
        for (int job; (job = pool.next(worker)) >= 0;) jobs.push_back(job);
        CHECK(jobs == expected[size_t(worker)]);
        CHECK_EQUAL(pool.next(worker), -1);
    }
    std::vector<int> jobs;
    pool.deal({0, 0, 2});
    for (int job; (job = pool.next(1)) >= 0;) jobs.push_back(job);
    CHECK((jobs == std::vector<int>{0, 1}));
}

LENET_TEST(thread_pool, starts_and_stops_many_times) {
    int made = 0;
    for (int i = 0; i < 300; i++) {
        ThreadPool pool(i % 5 + 1);
        made += pool.size();
        if (i % 3 == 0) continue;  // stopped before any work
        std::atomic<int> calls{0};
        auto work = [&](int) { calls++; };
        pool.run(work);
        CHECK(calls.load() >= 1);
        CHECK(calls.load() <= pool.size());
    }
    CHECK_EQUAL(made, 900);
}

// Each caller with its own pool, as several Python threads with their own sessions.
LENET_TEST(thread_pool, several_at_once) {
    std::atomic<int> jobs{0};
    std::vector<std::thread> callers;
    for (int c = 0; c < 3; c++)
        callers.emplace_back([&] {
            for (int i = 0; i < 20; i++) {
                ThreadPool pool(3);
                auto work = [&](int worker) {
                    while (pool.next(worker) >= 0) jobs++;
                };
                for (int round = 0; round < 5; round++) {
                    pool.deal(7);
                    pool.run(work);
                }
            }
        });
    for (std::thread& caller : callers) caller.join();
    CHECK_EQUAL(jobs.load(), 3 * 20 * 5 * 7);
}

LENET_TEST(thread_pool, the_measured_peak_is_a_rate) {
    for (const char* const* isa = available_isas(); *isa; isa++)
        for (int threads : {1, 2}) {
            const double rate = measure_peak(*isa, threads, 0.02);
            CHECK(rate > 1e6);
            CHECK(rate < 1e14);
        }
    for (int threads : {0, -1, 1025})
        CHECK_REFUSED(measure_peak("auto", threads, 0.01), "threads must be from 1 to 1024");
    for (double seconds : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()})
        CHECK_REFUSED(measure_peak("auto", 1, seconds), "seconds must be");
    CHECK_REFUSED(measure_peak("mmx", 1, 0.01), "'mmx' is unknown");
}

// Last here, so first to run and to ask.
LENET_TEST(thread_pool, lists_of_instruction_sets_from_several_threads) {
    std::vector<std::thread> callers;
    std::atomic<int> found{0};
    for (int c = 0; c < 4; c++)
        callers.emplace_back([&] {
            int count = 0;
            while (available_isas()[count]) count++;
            found += count > 0 && std::string(available_isas()[count - 1]) == "baseline";
        });
    for (std::thread& caller : callers) caller.join();
    CHECK_EQUAL(found.load(), 4);
}

}  // namespace
}  // namespace lenet::test
