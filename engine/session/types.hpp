// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/core_sets.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What a client (command line, window) knows of the engine: plain values decoded from messages. No engine object, no
/// driver, no model file is behind them.
namespace tandem::session {

struct Probe {
  double gflops = 0, memoryGbPerS = 0, toDeviceGbPerS = 0, toHostGbPerS = 0, launchUs = 0, roundTripUs = 0;
};

struct DeviceSummary {
  std::string id, kind, name, vendor, driver, platform, note; ///< kind: "cpu", "opencl-gpu", "opencl-cpu", ...
  int computeUnits = 0;
  std::int64_t memoryBytes = 0, maxAllocationBytes = 0;
  std::optional<std::int64_t> memoryLimitBytes; ///< set by the user
  bool unifiedMemory = false;
  bool float16 = false; ///< can run replicas in float16
  bool visible = true;
  std::string cores; ///< "0-1"; empty for a GPU
  std::optional<Probe> probe;
};

struct DeviceProblem {
  std::string platform, message;
};

struct DeviceList {
  std::vector<DeviceSummary> devices; ///< in display order
  std::vector<DeviceProblem> problems;
  std::string advice;   ///< what to do where there is no GPU; empty where there is one
  CpuTopology topology; ///< processors of the engine's machine; namedCoreSets() tells how they can be divided
};

struct SampleSummary {
  std::string name, title, description; ///< open with "sample:" + name
};

struct TensorSummary {
  std::string name, type;          ///< "float32"; empty while unknown
  std::vector<std::int64_t> shape; ///< -1 where unknown
  bool rankKnown = false;
  std::vector<std::string> dimNames; ///< symbols of unknown dims, may be empty
  std::int64_t bytes = -1;           ///< -1 while unknown
  bool constant = false;
  int producer = -1;          ///< node index; -1 for inputs and constants
  std::vector<int> consumers; ///< node indices, without repeats
};

struct NodeSummary {
  std::string name, op, domain, scope;
  int version = 0;
  bool known = true; ///< false: an operator the engine does not have; the model opens for viewing only
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<int> inputs, outputs; ///< indices into Document::values; -1 = left out
  double flops = 0;
  std::int64_t parameterBytes = 0, activationBytes = 0;
};

/// A size that the model leaves open, and what it is shown and measured with.
struct FreeDimSummary {
  std::string key; ///< name it is chosen by, a symbol or "INPUT:AXIS"
  std::vector<std::string> where;
  std::int64_t size = 1;
  bool chosen = false;
  std::string reason; ///< of a guess
};

/// One opened model. Node and value indices are positions in these vectors.
struct Document {
  int handle = 0;     ///< the worker's number for it; 0 = not open there (after a worker was replaced)
  std::string source; ///< what was opened: a path or "sample:NAME"
  std::string name, sha256, producer;
  int opset = 0;
  std::vector<NodeSummary> nodes;
  std::vector<TensorSummary> values;
  std::vector<int> inputs, outputs;              ///< value indices
  std::vector<std::string> unsupportedOperators; ///< "Crop-1 (3 nodes)"; not empty: cannot run
  std::vector<std::string> warnings;
  std::string preprocess; ///< suggested, text form of PreprocessSpec; empty where the input is no picture
  bool preprocessCertain = false;
  std::vector<FreeDimSummary> freeDims;
  std::string sizesProblem;            ///< not empty: guessed sizes do not fit the model
  std::string labelsFile;              ///< labels found beside the model, else empty
  std::string detector;                ///< "ultraface", "yolov8", ... or empty
  std::vector<std::string> inputKinds; ///< what can be predicted: "pictures", "sound", "text", "tables", "tensors"
  std::string audio;                   ///< suggested, text form of AudioSpec; empty where the input is no sound
  std::string vocabulary;              ///< vocab.txt found beside the model, else empty
  struct State {
    std::string input, output, reason; ///< what the output holds is the input of the next step; "by name"
  };
  std::vector<State> states; ///< guessed; used for recordings and tables that take several steps
};

/// Requested and effective device per node, with reasons (DESIGN.md section 6).
struct PlacementView {
  std::vector<std::string> requested, effective, reason, detail; ///< by node index; reason empty where nothing moved
  std::string summary; ///< "412 nodes: 398 GPU:0, 14 CPU:0 (11 unsupported op, 3 by you)"
  struct Transfer {
    int value = -1;
    std::string from, to; ///< device ids
    std::int64_t bytes = 0;
  };
  std::vector<Transfer> transfers; ///< one per tensor and destination
  std::int64_t transferBytes = 0;
  std::vector<std::string> warnings; ///< unknown device or layer in the placement
};

/// The placement a user edits, as in a *.placement.json file.
struct PlacementDoc {
  std::string modelName, modelSha256;
  int modelNodes = 0;
  std::string defaultDevice = "CPU:0";
  std::vector<std::pair<std::string, std::string>> rules; ///< match, device; later wins
  std::map<std::string, std::string> nodes;               ///< node name -> device; wins over rules
  friend bool operator==(const PlacementDoc&, const PlacementDoc&) = default;
};

struct ReplicaSpec {
  std::string name = {};   ///< empty: made up
  std::string device = {}; ///< a device id, or empty when `placement` says
  std::optional<PlacementDoc> placement = std::nullopt;
  std::string placementFile = {};  ///< for "Copy as command"; empty where never saved
  int threads = 0;                 ///< 0: all cores of its device
  int streams = 1;                 ///< requests in flight
  int batch = 0;                   ///< items joined into one execution; 0: as requests come
  std::vector<int> preferred = {}; ///< sizes of joined batches to aim for
  double delayMs = 0;              ///< how long a request may wait for others to be joined with
  double targetMs = 0;             ///< joined batches grow and shrink so that an execution takes at most this; 0: off
  std::string precision = "model"; ///< or "float16": weights as halves, on devices that have it
  std::vector<std::string> candidates = {}; ///< devices that layers may move to while running; empty: those they are on
  friend bool operator==(const ReplicaSpec&, const ReplicaSpec&) = default;
};

/// A change of the deployment while a run goes on.
struct RunChange {
  double atS = 0;           ///< after the measured part began; 0: as soon as it is asked for
  std::string action;       ///< "add", "remove", "replace", "route"
  ReplicaSpec replica = {}; ///< add, replace
  std::string name = {};    ///< remove, replace: of the replica
  std::string route = {};
};

struct RunSpec {
  std::vector<ReplicaSpec> replicas;
  std::string scenario = "closed:4"; ///< DESIGN.md section 7
  std::string route = "predicted-finish";
  std::vector<int> batches = {1}; ///< request sizes, mixed evenly
  double durationS = 10, warmupS = 1;
  double aloneS = -1;   ///< each replica alone for as long, for the verdict; 0: not; negative: as fits durationS
  double bulkShare = 0; ///< share of the requests that are of the bulk class
  int queueLimit = 0;   ///< requests waiting and running; more are refused; 0: the engine's default
  std::vector<RunChange> changes = {};
  bool startOnCpu = false; ///< the CPU stands in for replicas on other devices until these are compiled
  double liveMargin = 0;   ///< layers move while running where that is predicted to gain this part (0.1); 0: they stay
  std::string mode = "compiled"; ///< or "eager"
  int preprocessThreads = 0;     ///< that prepare inputs while the run goes on; 0: all are prepared before it
  int prefetch = 0;              ///< requests ready and waiting at most; 0: as fits the threads
  std::string preprocessCores;   ///< "2-3"; empty: anywhere
  bool shuffle = false;
  std::vector<std::string> inputs; ///< files, or "random:normal(0,1)" and the like; empty: synthetic data
  std::string traceFile;           ///< empty: no trace
  std::uint64_t seed = 1;
};

struct DeviceMemory {
  std::string id;
  std::int64_t weightsBytes = 0, activationsBytes = 0, stagingBytes = 0, peakBytes = 0;
  std::int64_t sharedWeightsBytes = 0; ///< read by several replicas or sizes, counted in weightsBytes once
};

/// What a run looks like at one moment; ten a second.
struct Snapshot {
  double elapsedS = 0; ///< since the measured part began; negative while warming up
  std::string phase;   ///< "load", "compile", "warmup", "measure"
  std::uint64_t completed = 0, failed = 0, rejected = 0;
  double throughputPerS = 0, itemsPerS = 0; ///< over the last second
  struct Replica {
    std::string name, devices; ///< devices: "CPU:0" or "CPU:0 + GPU:0"
    std::string state;         ///< "serving", "hung", "lost", "draining", "removed"
    int batchLimit = 0;        ///< items joined at most now; 0: none are
    std::uint64_t completed = 0;
    double throughputPerS = 0, itemsPerS = 0;
    double p50Ms = 0, p95Ms = 0, p99Ms = 0; ///< over the last second; 0 where nothing completed
    int queued = 0, inFlight = 0;
  };
  std::vector<Replica> replicas;
  struct DeviceLoad {
    std::string id;
    double busyFraction = 0; ///< over the last second
  };
  std::vector<DeviceLoad> devices;
  std::vector<DeviceMemory> memory;
  std::int64_t rssBytes = 0;
  double cpuFraction = 0;          ///< processor time of the worker over the last second, 1 = one core
  std::vector<std::string> events; ///< what happened to the deployment so far: "GPU:0 is hung: ..."
};

struct Latency {
  std::uint64_t count = 0;
  double meanMs = 0, p50Ms = 0, p90Ms = 0, p95Ms = 0, p99Ms = 0, p999Ms = 0, maxMs = 0;
};

/// The summary of a finished run; `json` is the whole report as `tandem run --json` prints it.
struct Report {
  std::string model; ///< its name
  double throughputPerS = 0, itemsPerS = 0, durationS = 0;
  std::uint64_t requests = 0, failed = 0;
  bool stopped = false; ///< ended by the user before its time
  Latency latency;
  double queueMs = 0, preprocessMs = 0, transferMs = 0, computeMs = 0; ///< means per request
  double loadMs = 0, compileMs = 0, warmupMs = 0;
  double layerTimesMs = 0; ///< measuring layers for live placement, before the load
  std::int64_t rssBytes = 0;
  std::vector<DeviceMemory> memory;
  struct Replica {
    std::string name, devices;
    std::uint64_t requests = 0;
    double itemsPerS = 0;
    Latency latency;
    std::string summary; ///< the placement's summary line
    std::string state;
    std::uint64_t executions = 0;
    double itemsPerExecution = 0, serviceMs = 0;
    double compileMs = 0, warmupMs = 0;                        ///< start-up of this replica
    std::int64_t copyBytes = 0, sharedBytes = 0, rssBytes = 0; ///< on devices; read from earlier ones; in the process
    std::string precision = "model";
    std::optional<double> maxAbsError, maxRelError; ///< float16 against the model's precision; empty: not measured
  };
  std::vector<Replica> replicas;
  std::vector<Snapshot::DeviceLoad> devices;
  std::uint64_t rejected = 0, cancelled = 0;
  struct Event {
    double atS = 0; ///< after the measured part began
    std::string text;
  };
  std::vector<Event> events;
  /// What simultaneous use gave; `summary` is empty where it was not measured.
  struct Verdict {
    double gain = 0, bound = 0, reached = 0;
    std::string best, summary;
    std::vector<std::string> reasons;
    struct Part {
      std::string name, devices;
      double aloneItemsPerS = 0, togetherItemsPerS = 0, aloneP99Ms = 0, aloneServiceMs = 0, togetherServiceMs = 0;
      double busyFraction = 0, setupMs = 0;
      std::int64_t copyBytes = 0, rssBytes = 0;
    };
    std::vector<Part> parts;
  } verdict;
  struct Pipeline {
    std::string name, devices;
    int streams = 1;
    double oneItemsPerS = 0, manyItemsPerS = 0, gain = 0;
  };
  std::vector<Pipeline> pipelines;
  struct Ramp {
    double boundMs = 0, bestPerS = 0, capacityPerS = 0;
    struct Step {
      double ratePerS = 0, p99Ms = 0;
      std::uint64_t requests = 0, refused = 0;
      bool passed = false, enoughSamples = false;
    };
    std::vector<Step> steps;
  };
  std::optional<Ramp> ramp;
  struct PriorityClass {
    std::string name; ///< "latency", "bulk"
    Latency latency;
    double longestQueueMs = 0;
  };
  std::vector<PriorityClass> priorities; ///< where there were bulk requests
  struct Mlperf {
    std::string scenario; ///< MLPerf's name; empty where it has none
    bool valid = false;
    std::vector<std::string> missing; ///< what its rules ask for beyond this run
  } mlperf;
  /// Where inputs were prepared while the run went on.
  struct Preprocessing {
    int threads = 0, prefetch = 0;
    std::uint64_t items = 0, failedItems = 0;
    double readMs = 0, decodeMs = 0, resizeMs = 0, normalizeMs = 0, batchMs = 0; ///< per item
    double busyFraction = 0, meanDepth = 0, itemsPerS = 0;                       ///< what the threads can make
    double starvedFraction = 0;
    std::string sentence; ///< which device waited, and what helps; empty where none did
  };
  std::optional<Preprocessing> preprocessing;
  /// Where layers were allowed to move; what happened is in `events`.
  struct LivePlacement {
    double margin = 0;
    int watched = 0; ///< replicas that have somewhere to move to
    int moves = 0, takenBack = 0;
  };
  std::optional<LivePlacement> livePlacement;
  std::vector<double> latencyQuantilesMs; ///< at 0, 1, ..., 100 %
  std::vector<std::string> notes; ///< "too few samples for p99.9", "CPU:0 and OPENCL-CPU:0 share cores 0-1", ...
  std::string json;
};

struct Prediction {
  struct Class {
    int index = 0;
    std::string label;
    double score = 0;
  };
  struct Box {
    double x0 = 0, y0 = 0, x1 = 0, y1 = 0, score = 0; ///< pixels of the picture
    std::string label;
  };
  struct Row {
    std::string label;          ///< "1.024 s", "row 3"
    std::vector<double> values; ///< empty where there are too many
    std::vector<Class> top;     ///< the best class, for tables
  };
  std::string input;
  std::string error; ///< not empty: this input could not be used; nothing else is set
  std::vector<Class> top;
  std::vector<Box> boxes;
  bool isDetector = false;
  std::string detector;
  std::vector<Row> rows;     ///< of a recording or table; at most 10,000
  std::int64_t rowCount = 0; ///< how many there are
  bool isText = false;
  std::string text; ///< what a text recogniser read
  double textScore = 0;
  std::vector<std::string> notes; ///< what was assumed of the input, for people
  std::vector<TensorSummary> outputs;
  std::vector<std::string> outputFiles;
  double latencyMs = 0; ///< one execution, without loading and compiling
  bool cold = false;    ///< it was the first, which finds nothing in caches
  std::string summary;  ///< the placement's summary line
};

/// An input as the model gets it (`preview`).
struct InputPreview {
  std::string kind;  ///< "picture", "sound" or "tensors"
  std::string input; ///< file name
  std::vector<std::string> notes;
  int width = 0, height = 0;       ///< of the picture
  std::string rgb;                 ///< its pixels in base64, three bytes each, rows from the top
  double minimum = 0, maximum = 0; ///< of the tensor's elements
  std::string desc;                ///< "float32 1x3x224x224"
  std::vector<double> low, high;   ///< of the sound, part by part, -1..1
  double seconds = 0;              ///< length of the sound
};

struct ExportResult {
  std::vector<std::string> files, notes;
};

} // namespace tandem::session
