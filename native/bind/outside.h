// The way out of Python, so that other Python threads run meanwhile, and back in.
#pragma once

#include <Python.h>
#if !defined(_WIN32)
#include <pthread.h>
#endif

#include <atomic>
#include <chrono>
#include <thread>

// nanobind's gil_scoped_release ends the process where a daemon thread comes back after the
// interpreter has begun to end: Python up to 3.13 then ends that thread by pthread_exit, which unwinds
// through a destructor, and C++ does not allow that. So nobody but the thread that ends the interpreter
// comes back after `close`; the others wait for the process's end, as Python does itself from 3.14 on.
class Outside {
public:
    Outside() : state_(PyEval_SaveThread()) {}
    ~Outside() {
        // Said before it is asked whether the way is closed: `close` waits for who may have missed it.
        returning_.fetch_add(1);
        if (closed_.load() && std::this_thread::get_id() != last_) {
            returning_.fetch_sub(1);
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
        PyEval_RestoreThread(state_);
        returning_.fetch_sub(1);
    }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

    // For atexit, when Python can still take back those who are on their way.
    static void close() {
        last_ = std::this_thread::get_id();
        closed_.store(true);
        PyThreadState* state = PyEval_SaveThread();
        while (returning_.load() > 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
        PyEval_RestoreThread(state);
    }

    // Once: a fork's child has none of its parent's threads, and none of them returns there.
    static void watch_forks() {
#if !defined(_WIN32)
        pthread_atfork(nullptr, nullptr, [] { returning_.store(0); });
#endif
    }

private:
    PyThreadState* state_;
    static inline std::atomic<int> returning_{0};
    static inline std::atomic<bool> closed_{false};
    static inline std::thread::id last_;
};
