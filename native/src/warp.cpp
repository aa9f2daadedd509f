// Shares the images out among threads.
#include "warp.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

#include "kernels.h"
#include "thread_pool.h"

namespace lenet {
namespace {

constexpr int64_t job = 32;  // images that a thread takes at a time
constexpr int64_t worth_a_thread = 128;  // images: starting one takes as long as some tens

void require(bool holds, const char* message) {
    if (!holds) throw std::invalid_argument(message);
}

void check(const Warp& w, int threads) {
    require(w.channels >= 1 && w.channels <= warp_longest, "an image has from 1 to 4,096 channels.");
    require(w.height >= 1 && w.height <= warp_longest && w.width >= 1 && w.width <= warp_longest,
            "a side of the images must be from 1 to 4,096 pixels.");
    require(int64_t(w.channels) * (w.height + 2) * (w.width + 3) < (int64_t(1) << 30),
            "an image must have fewer than 2^30 pixels.");
    require(w.elastic >= 0 && w.elastic <= 1 << 14, "elastic must be from 0 to 2^14.");
    require(w.reach >= 0 && w.reach <= warp_reach, "a blur must reach from 0 to 12 pixels.");
    require(w.side >= 0, "the side of the square must not be negative.");
    require(threads >= 1 && threads <= max_threads, "threads must be from 1 to 1024.");
    for (int64_t i = 0; i < w.size; i++)
        require(w.order[i] >= 0 && w.order[i] < w.count, "an index lies outside the images.");
}

// One thread's memory.
class Scratch {
public:
    Scratch(const Warp& w, uint8_t* out)
        : bytes_(size_t(w.width) * size_t(w.height + 2) + 2 * warp_reach + 3 * warp_slack),
          pairs_(size_t(w.channels) * size_t(w.height + 2) * size_t(w.width + 3) + warp_slack) {
        const size_t width = size_t(w.width), strip = size_t(warp_strip) + width + warp_slack;
        const size_t wide = (width + warp_slack - 1) / warp_slack * warp_slack;
        words_.resize((2 + 3 * warp_nodes) * wide + 4 * strip);
        int32_t* next = words_.data();
        const auto take = [&next](size_t size) {
            next += size;
            return next - size;
        };
        view_.out = out;
        view_.image = bytes_.data();
        view_.blank = bytes_.data() + width * size_t(w.height) + warp_slack;
        view_.row = view_.blank + width + warp_slack;
        view_.pairs = pairs_.data();
        view_.column_weights = take(warp_nodes * wide);
        view_.columns = take(2 * wide);
        view_.bends = take(2 * warp_nodes * wide);
        view_.places = take(strip);
        view_.right = take(strip);
        view_.down = take(strip);
        view_.quads = reinterpret_cast<uint32_t*>(take(strip));
        for (size_t g = 0; w.nodes && g < warp_nodes; g++)
            std::copy_n(w.column_weights + g * width, width, view_.column_weights + g * wide);
    }

    const WarpScratch& view() const { return view_; }

private:
    std::vector<uint8_t> bytes_;
    std::vector<uint16_t> pairs_;
    std::vector<int32_t> words_;
    WarpScratch view_;
};

// The next image, from anywhere in memory, is on its way while one is distorted.
void fetch(const Warp& w, int64_t at) {
    const int64_t size = int64_t(w.channels) * w.height * w.width;
    const uint8_t* image = w.images + w.order[at] * size;
    for (int64_t byte = 0; byte < std::min<int64_t>(size, 4096); byte += 64)
        __builtin_prefetch(image + byte);
}

}  // namespace

void warp_images(const Warp& warp, const char* isa, int threads, uint8_t* out) {
    const Kernels& kernels = choose_kernels(isa);
    check(warp, threads);
    if (!warp.size) return;
    const int64_t jobs = (warp.size + job - 1) / job;
    ThreadPool pool(int(std::min<int64_t>(threads, (warp.size - 1) / worth_a_thread + 1)));
    std::vector<std::unique_ptr<Scratch>> scratch;
    for (int worker = 0; worker < pool.size(); worker++)
        scratch.push_back(std::make_unique<Scratch>(warp, out));
    auto work = [&](int worker) {
        for (int64_t taken; (taken = pool.next(worker)) >= 0;)
            for (int64_t at = taken * job; at < std::min((taken + 1) * job, warp.size); at++) {
                if (at + 1 < warp.size) fetch(warp, at + 1);
                kernels.warp(warp, at, scratch[size_t(worker)]->view());
            }
    };
    pool.deal(int(jobs));
    pool.run(work);
}

}  // namespace lenet
