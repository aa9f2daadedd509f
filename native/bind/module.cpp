// The only file that knows Python: checks shapes and types, releases the GIL, calls the engine.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "augment.h"
#include "engine.h"
#include "outside.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T, int Dims>
using Array = nb::ndarray<T, nb::ndim<Dims>, nb::c_contig, nb::device::cpu>;
using Floats = Array<const float, 1>;
using Pixels = Array<const uint8_t, 4>;
using Integers = Array<const int32_t, 1>;

void require(bool holds, const char* message) {
    if (!holds) throw std::invalid_argument(message);
}

// An objective, and the array that holds its weights: one per image, or none at all.
struct BoundObjective {
    float label_smoothing = 0, dropout = 0;
    uint64_t seed = 0;
    float rubbish = -std::numeric_limits<float>::infinity();
    bool nearest = false;
    Floats weights;

    lenet::Objective check(const Pixels& images) const {
        require(label_smoothing >= 0 && label_smoothing < 1 && dropout >= 0 && dropout < 1,
                "label_smoothing and dropout are shares from 0 to below 1.");
        require(!weights.size() || weights.size() == images.shape(0),
                "there must be a weight for every image.");
        return {label_smoothing, dropout, seed, weights.size() ? weights.data() : nullptr, rubbish,
                nearest};
    }
};

// A session and the lock that keeps a second Python thread out while it works.
class Engine {
public:
    Engine(const std::vector<lenet::Step>& steps, int64_t table, const std::string& isa,
           int threads, const std::string& convolution)
        : table_(table),
          session_(std::make_unique<lenet::Session>(steps.data(), int(steps.size()), table,
                                                    isa.c_str(), threads, convolution.c_str())),
          channels_(steps[0].channels),
          height_(steps[0].height),
          width_(steps[0].width) {}

    void scores(Floats table, Pixels images, Floats scale, Floats shift,
                Array<float, 2> scores) {
        const lenet::Images view = check(table.data(), table.size(), images, scale, shift);
        require(scores.shape(0) == images.shape(0) &&
                    int(scores.shape(1)) == session_->classes(),
                "the scores' shape is not (images, classes).");
        const Outside python;
        std::lock_guard<std::mutex> guard(lock_);
        session_->scores(table.data(), view, scores.data());
    }

    nb::tuple gradient(Floats table, Pixels images, Integers labels, Floats scale, Floats shift,
                       const BoundObjective& bound, int64_t step, Array<float, 1> gradient) {
        const lenet::Images view = check(table.data(), table.size(), images, scale, shift);
        require(labels.size() == images.shape(0) && images.shape(0) > 0,
                "there must be a label for every image, and at least one.");
        require(int64_t(gradient.size()) == table_, "the gradient's size is not the table's.");
        const lenet::Objective objective = bound.check(images);
        int64_t correct = 0;
        double loss;
        {
            const Outside python;
            std::lock_guard<std::mutex> guard(lock_);
            loss = session_->gradient(table.data(), view, labels.data(), objective, step,
                                      gradient.data(), &correct);
        }
        return nb::make_tuple(loss, correct);
    }

    int64_t train(Array<float, 1> table, Array<float, 2> state, Pixels images, Integers labels,
                  Integers order, int batch, Floats rates, int64_t first_step, Floats scale,
                  Floats shift, const lenet::Optimizer& optimizer, const BoundObjective& bound,
                  Array<double, 1> losses, Array<int64_t, 1> correct) {
        const lenet::Images view = check(table.data(), table.size(), images, scale, shift);
        require(labels.size() == images.shape(0), "there must be a label for every image.");
        require(batch >= 1, "a batch holds at least one sample.");
        const size_t steps = (order.size() + size_t(batch) - 1) / size_t(batch);
        require(rates.size() == steps && losses.size() == steps && correct.size() == steps,
                "there must be a rate, a loss and a count for every step.");
        const int rows = optimizer.state_rows();
        require(int(state.shape(0)) >= rows && (!rows || int64_t(state.shape(1)) == table_),
                "the optimizer's state has the wrong shape.");
        const lenet::Objective objective = bound.check(images);
        const lenet::Schedule schedule{order.data(), int64_t(order.size()), batch, rates.data(),
                                       first_step};
        const Outside python;
        std::lock_guard<std::mutex> guard(lock_);
        return session_
            ->train(table.data(), rows ? state.data() : nullptr, view, labels.data(), schedule,
                    optimizer, objective, losses.data(), correct.data())
            .steps;
    }

    std::string isa() const { return session_->isa(); }
    int threads() const { return session_->threads(); }

private:
    lenet::Images check(const float* table, size_t size, const Pixels& images,
                        const Floats& scale, const Floats& shift) const {
        require(int64_t(size) == table_, "the parameter table has another size than the plan's.");
        require(reinterpret_cast<uintptr_t>(table) % 4 == 0, "the parameter table is misaligned.");
        require(int(images.shape(1)) == channels_ && int(images.shape(2)) == height_ &&
                    int(images.shape(3)) == width_,
                "the images' shape is not the network's input shape.");
        require(int(scale.size()) == channels_ && int(shift.size()) == channels_,
                "scale and shift need one number per channel.");
        return {images.data(), int64_t(images.shape(0)), scale.data(), shift.data()};
    }

    int64_t table_;
    std::unique_ptr<lenet::Session> session_;
    int channels_, height_, width_;
    std::mutex lock_;
};

// B images distorted; arrays of no rows stand for what is not asked for.
void warp(Pixels images, Integers order, Array<const int32_t, 2> affine,
          Array<const uint8_t, 2> nodes, int elastic, Array<const int32_t, 2> row_weights,
          Array<const int32_t, 2> column_weights, uint64_t noise_key, int noise,
          Array<const int32_t, 2> corners, int side, Array<const int32_t, 2> blurs,
          Array<const int32_t, 2> tones,
          Array<const uint8_t, 1> fill, Array<uint8_t, 4> out, const std::string& isa, int threads) {
    const size_t size = order.size(), channels = images.shape(1), height = images.shape(2),
                 width = images.shape(3);
    const auto is = [](const auto& array, size_t rows, size_t columns) {
        return array.shape(0) == rows && array.shape(1) == columns;
    };
    constexpr size_t grid = lenet::warp_nodes;
    const bool bent = nodes.shape(0) > 0;
    require(is(affine, size, 6), "affine needs six numbers per image.");
    require(!bent || (is(nodes, size, 2 * grid * grid) && is(row_weights, grid, height) &&
                      is(column_weights, grid, width)),
            "the nodes or their weights have the wrong shape.");
    require(!side || is(corners, size, 2), "a square needs two numbers per image.");
    const bool blurred = blurs.shape(0) > 0;
    require(!blurred || (blurs.shape(0) == size && blurs.shape(1) >= 1 &&
                         blurs.shape(1) <= size_t(lenet::warp_reach) + 1),
            "a blur needs one to 13 numbers per image.");
    const bool toned = tones.shape(0) > 0;
    require(!toned || is(tones, size, size_t(lenet::tone_numbers(int(channels)))),
            "tones need twelve numbers per image of three channels, two of others.");
    require(fill.size() == channels, "fill needs one number per channel.");
    require(out.shape(0) == size && out.shape(1) == channels && out.shape(2) == height &&
                out.shape(3) == width,
            "the result's shape is not the images'.");
    require(channels <= lenet::warp_longest && height <= lenet::warp_longest && width <= lenet::warp_longest,
            "an image has at most 4,096 channels, rows and columns.");
    const lenet::Warp warp{.images = images.data(),
                           .count = int64_t(images.shape(0)),
                           .channels = int(channels),
                           .height = int(height),
                           .width = int(width),
                           .order = order.data(),
                           .size = int64_t(size),
                           .affine = affine.data(),
                           .nodes = bent ? nodes.data() : nullptr,
                           .elastic = elastic,
                           .row_weights = row_weights.data(),
                           .column_weights = column_weights.data(),
                           .noise_key = noise_key,
                           .noise = noise,
                           .corners = corners.data(),
                           .side = side,
                           .fill = fill.data(),
                           .tones = toned ? tones.data() : nullptr,
                           .blurs = blurred ? blurs.data() : nullptr,
                           .reach = blurred ? int(blurs.shape(1)) - 1 : 0};
    const Outside python;
    lenet::warp_images(warp, isa.c_str(), threads, out.data());
}

// The place of `name` among the names of a table.
const char* name_of(const char* entry) { return entry; }
template <typename Entry>
const char* name_of(const Entry& entry) { return entry.name; }

template <typename Enum, typename Entry, size_t Size>
Enum find(const Entry (&table)[Size], const std::string& name, const char* what) {
    for (size_t i = 0; i < Size; i++)
        if (name == name_of(table[i])) return Enum(i);
    throw std::invalid_argument("the native engine knows no " + std::string(what) + " '" + name + "'.");
}

// The structures have the names that they have in Python; what is set there is set here by name.
void bind_step(nb::module_& m) {
    using lenet::Step;
    using Three = std::array<int32_t, 3>;
    using Two = std::array<int32_t, 2>;
    using Four = std::array<int32_t, 4>;
    nb::class_<Step>(m, "Step")
        .def("__init__", [](Step* self) { new (self) Step{}; })
        .def_prop_rw("kind", nullptr,
                     [](Step& s, const std::string& kind) {
                         s.kind = find<lenet::Kind>(lenet::kind_names, kind, "layer");
                     })
        .def_rw("inputs", &Step::inputs)
        .def_prop_rw("input_shape", nullptr,
                     [](Step& s, Three v) {
                         std::tie(s.channels, s.height, s.width) = std::tuple_cat(v);
                     })
        .def_prop_rw("output_shape", nullptr,
                     [](Step& s, Three v) {
                         std::tie(s.out_channels, s.out_height, s.out_width) = std::tuple_cat(v);
                     })
        .def_prop_rw("kernel_size", nullptr,
                     [](Step& s, Two v) {
                         std::tie(s.kernel_height, s.kernel_width) = std::tuple_cat(v);
                     })
        .def_prop_rw("stride", nullptr,
                     [](Step& s, Two v) { std::tie(s.stride_y, s.stride_x) = std::tuple_cat(v); })
        .def_prop_rw("padding", nullptr,
                     [](Step& s, Four v) {
                         std::tie(s.top, s.bottom, s.left, s.right) = std::tuple_cat(v);
                     })
        .def_rw("groups", &Step::groups)
        .def_rw("sums", &Step::sums)
        .def_rw("links", &Step::links)
        .def_rw("place", &Step::place)
        .def_rw("never_drops", &Step::never_drops)
        .def_prop_rw("activation", nullptr,
                     [](Step& s, const std::string& activation) {
                         s.activation = find<lenet::Activation>(lenet::activations, activation,
                                                                "activation");
                     })
        .def_prop_rw("pool_first", nullptr, [](Step& s, bool first) { s.pool_first = first; })
        .def_rw("weight", &Step::weight_offset)
        .def_rw("bias", &Step::bias_offset)
        .def_rw("scale", &Step::scale_offset)
        .def_rw("mean", &Step::mean_offset)
        .def_rw("variance", &Step::variance_offset);
}

void bind_training(nb::module_& m) {
    using lenet::Optimizer;
    nb::class_<Optimizer>(m, "Optimizer")
        .def("__init__", [](Optimizer* self) { new (self) Optimizer{}; })
        .def_prop_rw("kind", nullptr,
                     [](Optimizer& o, const std::string& kind) {
                         o.kind = find<lenet::OptimizerKind>(lenet::optimizers, kind, "optimizer");
                     })
        .def_rw("momentum", &Optimizer::momentum)
        .def_rw("beta1", &Optimizer::beta1)
        .def_rw("beta2", &Optimizer::beta2)
        .def_rw("epsilon", &Optimizer::epsilon)
        .def_rw("weight_decay", &Optimizer::weight_decay)
        .def_rw("max_grad_norm", &Optimizer::max_grad_norm)
        .def_rw("ema_decay", &Optimizer::ema_decay);
    nb::class_<BoundObjective>(m, "Objective")
        .def(nb::init<>())
        .def_rw("label_smoothing", &BoundObjective::label_smoothing)
        .def_rw("dropout", &BoundObjective::dropout)
        .def_rw("seed", &BoundObjective::seed)
        .def_rw("rubbish", &BoundObjective::rubbish)
        .def_rw("nearest", &BoundObjective::nearest)
        .def_rw("weights", &BoundObjective::weights);
}

// What include/constants.h says; tests/engine/test_constants.py holds it against Python's.
nb::dict constants() {
    nb::dict all, activations, optimizers;
    nb::list kinds;
    for (const char* kind : lenet::kind_names) kinds.append(kind);
    for (const auto& a : lenet::activations)
        activations[a.name] = nb::make_tuple(a.monotone, a.keeps_input);
    for (const auto& o : lenet::optimizers) optimizers[o.name] = o.state_rows;
    all["kinds"] = kinds;
    all["activations"] = activations;
    all["optimizers"] = optimizers;
    all["leaky_slope"] = lenet::leaky_slope;
    all["scaled_tanh"] = nb::make_tuple(lenet::tanh_height, lenet::tanh_slope);
    all["alignment"] = lenet::alignment;
    all["max_size"] = lenet::max_size;
    all["max_elements"] = lenet::max_elements;
    all["max_window"] = lenet::max_window;
    all["max_threads"] = lenet::max_threads;
    all["scored_alone"] = lenet::scored_alone;
    all["ghost_batch"] = lenet::ghost_batch;
    all["running_momentum"] = lenet::running_momentum;
    all["norm_epsilon"] = lenet::norm_epsilon;
    all["clip_epsilon"] = lenet::clip_epsilon;
    all["golden_ratio"] = lenet::golden_ratio;
    all["split_mix"] = nb::make_tuple(lenet::split_mix[0], lenet::split_mix[1]);
    all["dropout_stream"] = lenet::dropout_stream;
    all["dropout_hash"] = nb::make_tuple(lenet::dropout_row, lenet::dropout_unit,
                                         lenet::murmur_mix[0], lenet::murmur_mix[1]);
    all["warp_nodes"] = lenet::warp_nodes;
    all["warp_longest"] = lenet::warp_longest;
    all["warp_reach"] = lenet::warp_reach;
    return all;
}

}  // namespace

NB_MODULE(_native, m) {
    // A process that ends in the middle of work (a fork's child) never gives everything back; that is
    // no news to a user.
    nb::set_leak_warnings(false);
    Outside::watch_forks();
    nb::module_::import_("atexit").attr("register")(nb::cpp_function(&Outside::close));
    m.doc() = "The native engine; use it through lenet.engine.native.";
    bind_step(m);
    bind_training(m);
    m.attr("CONSTANTS") = constants();
    nb::class_<Engine>(m, "Session")
        .def(nb::init<const std::vector<lenet::Step>&, int64_t, const std::string&, int,
                      const std::string&>(),
             "steps"_a, "table"_a, "isa"_a, "threads"_a, "convolution"_a)
        // What is written to must not be converted: the copy would be written, and thrown away.
        .def("scores", &Engine::scores, "parameters"_a, "images"_a.noconvert(), "scale"_a, "shift"_a,
             "scores"_a.noconvert())
        .def("gradient", &Engine::gradient, "parameters"_a, "images"_a.noconvert(), "labels"_a,
             "scale"_a, "shift"_a, "objective"_a, "step"_a, "gradient"_a.noconvert())
        .def("train", &Engine::train, "parameters"_a.noconvert(), "state"_a.noconvert(),
             "images"_a.noconvert(), "labels"_a, "order"_a, "batch_size"_a, "rates"_a,
             "first_step"_a, "scale"_a, "shift"_a, "optimizer"_a, "objective"_a,
             "losses"_a.noconvert(), "correct"_a.noconvert())
        .def_prop_ro("isa", &Engine::isa)
        .def_prop_ro("threads", &Engine::threads);
    m.def("available_isas", [] {
        nb::list names;
        for (const char* const* name = lenet::available_isas(); *name; name++)
            names.append(nb::str(*name));
        return names;
    });
    m.def(
        "measure_peak",
        [](const std::string& isa, int threads, double seconds) {
            const Outside python;
            return lenet::measure_peak(isa.c_str(), threads, seconds);
        },
        "isa"_a, "threads"_a, "seconds"_a);
    m.def("warp", &warp, "images"_a.noconvert(), "order"_a, "affine"_a, "nodes"_a, "elastic"_a,
          "row_weights"_a, "column_weights"_a, "noise_key"_a, "noise"_a, "corners"_a, "side"_a, "blurs"_a,
          "tones"_a, "fill"_a, "out"_a.noconvert(), "isa"_a, "threads"_a);
}
