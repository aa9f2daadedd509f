// The session: packs the weights, shares batches out to the thread pool, adds the shards' gradients in a
// fixed order and moves the parameters.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "blocks.h"
#include "denormals.h"
#include "thread_pool.h"
#include "worker.h"

namespace lenet {
namespace {

// How a batch is cut into shards. It depends on the batch alone, never on the threads, so that
// the sums are the same on any number of them: about four shards for small batches, 64 samples
// each for large ones, whole vectors. Ghost batches are shards of their own, 32 to 63 samples that
// differ by one at most, and do not depend on the lanes either: engine/normalise.py cuts the same.
// Images that go alone are a shard each.
class Shards {
public:
    Shards(int64_t samples, const Program& program, bool alone = false) : samples_(samples) {
        if (alone) {
            size_ = 1;
            return;
        }
        if (program.normalised) {
            ghost_batches_ = int(std::max<int64_t>(samples / ghost_batch, 1));
            return;
        }
        const int64_t parts = std::clamp<int64_t>(samples / 64, 4, 64), lanes = program.lanes;
        size_ = std::max(((samples + parts - 1) / parts + lanes - 1) / lanes, int64_t(1)) * lanes;
    }
    int count() const {
        return ghost_batches_ ? ghost_batches_ : int((samples_ + size_ - 1) / size_);
    }
    int64_t begin(int shard) const {
        if (ghost_batches_) return Split{int(samples_), ghost_batches_}.begin(shard);
        return std::min(shard * size_, samples_);
    }

private:
    int64_t samples_, size_ = 0;
    int ghost_batches_ = 0;
};

void require(bool holds, const std::string& message) {
    if (!holds) throw std::invalid_argument(message);
}

void check_threads(int threads) {
    require(threads >= 1 && threads <= max_threads,
            "threads must be from 1 to " + std::to_string(max_threads) + ", not " +
                std::to_string(threads) + ".");
}

Method method_of(const std::string& name) {
    if (name == "fastest") return Method::fastest;
    if (name == "direct") return Method::direct;
    require(name == "winograd", "a convolution is computed by fastest, direct or winograd, not '" +
                                    name + "'.");
    return Method::winograd;
}

}  // namespace

struct Session::Self {
    const Kernels& kernels;
    Program program;
    ThreadPool pool;
    Buffer packed;
    std::vector<float> packed_from;  // the table that is packed, if `scores` packed it
    std::vector<std::unique_ptr<Worker>> workers;
    bool trains = false;
    std::vector<Buffer> gradients;  // one per shard
    std::vector<Share> shares;
    Blocks blocks;

    Self(const Step* steps, int count, int64_t table, const char* isa, int threads, Method method)
        : kernels(choose_kernels(isa)),
          program(steps, count, table, kernels.lanes, kernels.accumulators, method),
          pool(threads),
          packed(program.packed),
          blocks(program, kernels, pool.size()) {}

    // Whatever may need memory does it here: not among the threads, where nobody could be told.
    void prepare(bool training, int shards, bool alone = false) {
        if (workers.empty() || (training && !trains)) {
            std::vector<std::unique_ptr<Worker>> made;
            for (int t = 0; t < pool.size(); t++)
                made.push_back(std::make_unique<Worker>(program, kernels, training));
            workers = std::move(made);
            trains = training;
        }
        for (int t = 0; alone && t < pool.size(); t++) workers[size_t(t)]->prepare_alone();
        while (int(gradients.size()) < shards) gradients.emplace_back(program.gradient);
        shares.resize(gradients.size());
    }

    // Workers take jobs 0 .. count-1 until none is left.
    template <typename Work>
    void share_out(int count, Work work) {
        if (count == 1) {  // not worth waking anybody
            const DenormalsAreZero caller;
            return work(0, 0);
        }
        pool.deal(count);
        do_jobs(work);
    }

    // The same of the parameters' blocks: every worker has its own.
    template <typename Work>
    void share_out_blocks(Work work) {
        if (blocks.count() == 1) return share_out(1, [&](int, int b) { work(b); });
        pool.deal(blocks.ends());
        do_jobs([&](int, int b) { work(b); });
    }

    template <typename Work>
    void do_jobs(Work work) {
        auto take = [&](int worker) {
            const DenormalsAreZero here;
            for (int job; (job = pool.next(worker)) >= 0;) work(worker, job);
        };
        pool.run(take);
    }

    // Calls work(worker, job) for all jobs: each by one worker, or by all of them together where
    // there is only one.
    template <typename Work>
    void each_or_together(int count, Work work) {
        const Helpers helpers{pool, workers};
        workers[0]->work_with(count == 1 && pool.size() > 1 ? &helpers : nullptr);
        share_out(count, [&](int worker, int job) { work(*workers[size_t(worker)], job); });
        workers[0]->work_with(nullptr);
    }

    // Where the worker that does shard s will probably go on: with the next one, or after its last
    // with its first of the next batch.
    int64_t after(int s, const Shards& shards, const Batch& batch) const {
        const Split own{shards.count(), pool.size()};
        for (int worker = 0; worker < pool.size(); worker++)
            if (own.begin(worker + 1) == s + 1)
                return batch.end + shards.begin(own.begin(worker));
        return batch.begin + shards.begin(s + 1);
    }

    // Comparing is quicker than packing, and small batches through large layers feel it.
    void pack_for_scores(const float* table) {
        const size_t size = size_t(program.table);
        if (packed_from.size() == size &&
            !std::memcmp(packed_from.data(), table, size * sizeof(float)))
            return;
        pack_all(table);
        packed_from.assign(table, table + size);
    }

    void pack_all(const float* table) {
        packed_from.clear();
        share_out_blocks([&](int b) { blocks.pack(b, table, packed.data()); });
    }

    // Do the images of such small batches go one by one? Nothing is packed then.
    bool goes_alone(int64_t batch, const Objective& objective) const {
        return batch <= program.alone && objective.dropout == 0;
    }

    Share batch_gradient(const float* table, const Batch& batch, bool alone) {
        const Shards shards(batch.end - batch.begin, program, alone);
        const auto work = [&](Worker& worker, int s) {
            Batch part = batch;
            part.begin = batch.begin + shards.begin(s);
            part.end = batch.begin + shards.begin(s + 1);
            part.ahead = after(s, shards, batch);
            float* gradient = gradients[size_t(s)].data();
            shares[size_t(s)] = alone ? worker.gradient_alone(table, part, gradient)
                                      : worker.gradient(table, packed.data(), part, gradient);
        };
        each_or_together(shards.count(), work);
        Share total;
        for (int s = 0; s < shards.count(); s++) {
            total.loss += shares[size_t(s)].loss;
            total.correct += shares[size_t(s)].correct;
        }
        return total;
    }

    // What the gradient, the mean over `samples`, is multiplied by so that its norm does not pass
    // `largest`; as PyTorch's clip_grad_norm_.
    float clipping(float largest, const Gradients& found, int64_t samples) {
        std::vector<double> squares(size_t(blocks.count()));
        share_out_blocks([&](int b) { squares[size_t(b)] = blocks.square(b, found); });
        double total = 0;
        for (double part : squares) total += part;
        const double norm = std::sqrt(total) / double(samples);
        return float(std::min(1.0, double(largest) / (norm + clip_epsilon)));
    }
};

Update::Update(const Optimizer& how, float learning_rate, int64_t step, float factor)
    : optimizer(how), rate(learning_rate), mean(factor), decay(1.0f - rate * how.weight_decay) {
    const double first = 1.0 - std::pow(double(how.beta1), double(step));
    size = rate / float(first);
    correction2 = float(std::sqrt(1.0 - std::pow(double(how.beta2), double(step))));
}

Session::Session(const Step* steps, int count, int64_t table, const char* isa, int threads,
                 const char* convolution) {
    check_threads(threads);
    self_ = std::make_unique<Self>(steps, count, table, isa, threads, method_of(convolution));
}

Session::~Session() = default;

void Session::scores(const float* table, const Images& images, float* scores) {
    Self& self = *self_;
    require(!self.program.normalised, "fold the normalisation into its convolution to score.");
    self.prepare(false, 0);
    if (images.count <= scored_alone) {
        const DenormalsAreZero here;
        for (int64_t i = 0; i < images.count; i++)
            self.workers[0]->score_single(table, images, i, scores + i * self.program.classes);
        return;
    }
    self.pack_for_scores(table);
    // No more than a worker holds at a time, and something for every worker.
    const int64_t lanes = self.program.lanes, share = (images.count - 1) / self.pool.size() + 1;
    const int64_t chunk =
        std::min(self.program.groups * lanes, (share + lanes - 1) / lanes * lanes);
    const int64_t chunks = (images.count + chunk - 1) / chunk;
    self.each_or_together(int(chunks), [&](Worker& worker, int c) {
        Batch part{&images, nullptr, nullptr, c * chunk, std::min((c + 1) * chunk, images.count)};
        part.ahead = part.end;
        part.last = images.count;
        worker.scores(table, self.packed.data(), part, scores);
    });
}

static void check_labels(const Images& images, const int32_t* labels, const int32_t* order,
                         int64_t count, int classes) {
    for (int64_t i = 0; i < count; i++) {
        const int64_t at = order ? order[i] : i;
        require(at >= 0 && at < images.count, "an index lies outside the images.");
        require(labels[at] >= 0 && labels[at] < classes, "a label lies outside the classes.");
    }
}

double Session::gradient(const float* table, const Images& images, const int32_t* labels,
                         const Objective& objective, int64_t step, float* gradient,
                         int64_t* correct) {
    Self& self = *self_;
    check_labels(images, labels, nullptr, images.count, self.program.classes);
    const bool alone = self.goes_alone(images.count, objective);
    const int shards = Shards(images.count, self.program, alone).count();
    self.prepare(true, shards, alone);
    if (!alone) self.pack_all(table);
    const Share share = self.batch_gradient(
        table, {&images, labels, nullptr, 0, images.count, &objective, 0, step, 0, images.count},
        alone);
    // The gradient is what plain descent at rate -1 adds to zeros.
    std::fill_n(gradient, self.program.table, 0.0f);
    const Update descent{{}, -1.0f, 1, 1.0f / float(images.count)};
    for (int b = 0; b < self.blocks.count(); b++)
        self.blocks.move(b, descent, {self.gradients, shards, alone}, gradient, nullptr);
    *correct = share.correct;
    return share.loss / double(images.count);
}

Progress Session::train(float* table, float* state, const Images& images, const int32_t* labels,
                        const Schedule& schedule, const Optimizer& optimizer,
                        const Objective& objective, double* losses, int64_t* correct) {
    Self& self = *self_;
    check_labels(images, labels, schedule.order, schedule.samples, self.program.classes);
    // The last batch may be shorter and be cut into more shards: 128 samples are 4, 129 are 3.
    const int64_t batch = std::min<int64_t>(schedule.batch, schedule.samples);
    const int64_t rest = batch ? schedule.samples % batch : 0;
    // By what was asked for, not by how many there are: the last of many batches may be short.
    const bool alone = self.goes_alone(schedule.batch, objective);
    self.prepare(true, std::max(Shards(batch, self.program, alone).count(),
                                Shards(rest, self.program, alone).count()),
                 alone);
    if (!alone) self.pack_all(table);
    int64_t step = 0;
    for (int64_t begin = 0; begin < schedule.samples; begin += schedule.batch, step++) {
        const int64_t end = std::min(begin + schedule.batch, schedule.samples);
        const int64_t number = schedule.first_step + step + 1, samples = end - begin;
        const Share share = self.batch_gradient(
            table,
            {&images, labels, schedule.order, begin, end, &objective, begin, number, 0,
             schedule.samples},
            alone);
        losses[step] = share.loss / double(samples);
        if (!std::isfinite(losses[step])) return {step};
        correct[step] = share.correct;
        const int shards = Shards(samples, self.program, alone).count();
        const Gradients found{self.gradients, shards, alone};
        float mean = 1.0f / float(samples);
        if (optimizer.max_grad_norm > 0) mean *= self.clipping(optimizer.max_grad_norm, found, samples);
        const Update update(optimizer, schedule.rates[step], number, mean);
        self.share_out_blocks([&](int b) {
            self.blocks.move(b, update, found, table, state);
            self.blocks.follow_statistics(b, update, found, table, state);
            if (!alone) self.blocks.pack(b, table, self.packed.data());
        });
    }
    return {step};
}

const char* Session::isa() const { return self_->kernels.name; }
int Session::lanes() const { return self_->kernels.lanes; }
int Session::threads() const { return self_->pool.size(); }
int Session::classes() const { return self_->program.classes; }

double measure_peak(const char* isa, int threads, double seconds) {
    const Kernels& kernels = choose_kernels(isa);
    check_threads(threads);
    require(seconds > 0 && seconds <= 60, "seconds must be above 0 and at most 60.");
    ThreadPool pool(threads);
    using Clock = std::chrono::steady_clock;
    std::vector<double> rates(size_t(threads), 0.0);
    auto work = [&](int worker) {
        float sink[3] = {0.5f, 1.0f, 0.0f};
        const auto start = Clock::now();
        double done = 0, passed = 0;
        while (passed < seconds) {
            done += kernels.spin(100'000, sink);
            passed = std::chrono::duration<double>(Clock::now() - start).count();
        }
        rates[size_t(worker)] = 2 * done / passed;
    };
    pool.run(work);
    double total = 0;
    for (double rate : rates) total += rate;
    return total;
}

}  // namespace lenet
