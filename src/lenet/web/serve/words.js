// What the page says, in each language. What the library finds out stays in its own words.

import { LANGUAGES } from "../words.js";

export { LANGUAGES };

export const WORDS = {
  build: ["Build", "搭建"],
  train: ["Train", "训练"],
  look: ["Look", "观察"],
  runs: ["Runs", "记录"],
  tabs: ["Parts of the page", "页面各部分"],
  language: ["Language", "语言"],
  theme: ["Theme", "主题"],
  theme_auto: ["Auto", "自动"],
  theme_light: ["Light", "浅色"],
  theme_dark: ["Dark", "深色"],
  gone: [
    "The server does not answer any more; start lenet serve again.",
    "服务器不再响应；请重新运行 lenet serve。",
  ],
  // Build
  build_title: ["Build a network", "搭建网络"],
  build_lead: [
    "Pick one, type, or drag a number. Everything beside follows at once.",
    "选一个网络，直接输入，或拖动数字；右侧内容立即随之变化。",
  ],
  zoo: ["Networks to begin with", "可供选择的网络"],
  notation: ["The network as notation", "网络的记法"],
  layers_title: ["Layers, with numbers to change", "各层及其可调的数字"],
  drag: ["Drag a number, or press the arrow keys on it.", "拖动数字，或选中后按方向键。"],
  number_of: ["Number of {word}", "{word} 的数字"],
  input: ["input", "输入"],
  train_this: ["Train this network", "训练这个网络"],
  figure: ["Figure", "结构图"],
  style: ["Kind of figure", "图的样式"],
  style_figure: ["Maps, as in the paper", "特征图（论文样式）"],
  style_graph: ["A box per layer", "每层一框"],
  too_long: [
    "Figures and tables are for networks of up to 40 layers; lenet explain writes longer ones.",
    "结构图和表格最多显示 40 层；更长的网络请用 lenet explain。",
  ],
  findings: ["What stands out", "值得注意"],
  fact_layers: ["layers", "层"],
  fact_parameters: ["parameters", "参数"],
  fact_multiply_adds: ["multiply-adds per image", "每张图的乘加次数"],
  fact_activations: ["activations per image", "每张图的激活值"],
  fact_inference: ["memory in use", "推理所需内存"],
  fact_least_input: ["smallest input", "最小输入"],
  changes_title: ["What changed", "有何变化"],
  table_title: ["Layer by layer", "逐层说明"],
  balance_title: ["Balance of neighbouring layers", "相邻层的平衡"],
  fixes: [
    "Each of these makes it fit (it was tried). Choose one:",
    "以下每种改法都能使其吻合（均已验证），请选择：",
  ],
  no_fixes: [
    "No change of one layer or of the input makes it fit.",
    "只改一层或输入都无法使其吻合。",
  ],
  deduce_title: ["From a figure's shapes to its network", "由图中的尺寸反推网络"],
  deduce_lead: [
    "Type the shapes that a figure shows. Kernels, strides and padding are found out.",
    "输入图中标出的尺寸，即可推出卷积核、步幅和填充。",
  ],
  shapes: ["Shapes", "尺寸"],
  given: ["What is known of layers", "已知的层信息"],
  params: ["Parameters, at most or exactly", "参数个数（上限或恰好）"],
  example: ["The 1998 paper's figure", "1998 年论文的图"],
  use: ["Use this network", "使用这个网络"],
  advise_title: ["Channels within a budget", "在预算内选择通道数"],
  advise_lead: [
    "Widths that keep neighbouring layers about equally large. Choose one of them:",
    "使相邻层大小相近的宽度。请选择其中之一：",
  ],
  budget: [
    "Budget: parameters, macs, activations or memory",
    "预算：parameters、macs、activations 或 memory",
  ],
  // Train
  train_title: ["Train", "训练"],
  train_lead: [
    "A small network takes a second. Press again to compare: all of them go on side by side.",
    "小网络只需约一秒。可多次点击以作比较，所有训练并行进行。",
  ],
  train_button: ["Train", "开始训练"],
  train_empty: ["Curves appear here while a network is trained.", "训练时曲线会显示在这里。"],
  one_alone: [
    "Choose one alone to see the signal in each of its layers.",
    "只选一个时，可查看其各层的信号。",
  ],
  network: ["Network", "网络"],
  data: ["Data", "数据"],
  downloads: ["{name} (downloaded once)", "{name}（首次需下载）"],
  recipe: ["Recipe", "训练配方"],
  more: ["More choices", "更多选项"],
  seed: ["First seed", "起始种子"],
  seeds: ["Seeds", "种子个数"],
  as_recipe: ["{value} (recipe)", "{value}（配方）"],
  value_epochs: ["Epochs", "轮数"],
  value_lr: ["Learning rate", "学习率"],
  value_batch_size: ["Batch size", "批量大小"],
  value_optimizer: ["Optimizer", "优化器"],
  value_schedule: ["Schedule", "学习率计划"],
  value_weight_decay: ["Weight decay", "权重衰减"],
  value_dropout: ["Dropout", "丢弃率"],
  status_waiting: ["waiting", "等待中"],
  status_preparing: ["loading images", "加载图像"],
  status_running: ["training", "训练中"],
  status_stopping: ["stopping", "正在停止"],
  status_finished: ["finished", "已完成"],
  status_stopped: ["stopped", "已停止"],
  status_diverged: ["diverged", "发散"],
  status_failed: ["failed", "失败"],
  epoch_of: ["epoch {epoch} of {epochs}", "第 {epoch}/{epochs} 轮"],
  seed_of: ["seed {seed}", "种子 {seed}"],
  loss: ["loss", "损失"],
  test: ["of the test images", "测试准确率"],
  stop: ["Stop", "停止"],
  resume: ["Resume", "继续"],
  report: ["Report", "报告"],
  // Look
  look_title: ["Look inside", "观察内部"],
  look_lead: ["Draw, and see what every layer makes of it.", "画一画，看看每一层做了什么。"],
  opening: ["The model is read ...", "正在读取模型……"],
  choose_one: ["Run", "记录"],
  no_models: ["No run has a model yet. Train one first.", "还没有训练好的模型，请先训练一个。"],
  // Runs
  runs_title: ["Runs", "训练记录"],
  runs_lead: [
    "What was trained here. Choose two or more to compare them.",
    "这里列出已训练的网络；选择两个或更多即可比较。",
  ],
  no_runs: ["There are no runs in {folder}/ yet.", "{folder}/ 中还没有训练记录。"],
  compare: ["Compare", "比较"],
  compare_number: ["Compare {number}", "比较 {number} 个"],
  comparison: ["Side by side", "并排比较"],
  comparing: [
    "Every model predicts its test images; that takes a moment.",
    "正在用每个模型预测测试图像，请稍候。",
  ],
  report_of: ["Report of {run}", "{run} 的报告"],
  new_window: ["In a window of its own", "在新窗口打开"],
  choose: ["Choose", "选择"],
  choose_run: ["Choose {run}", "选择 {run}"],
  actions: ["Actions", "操作"],
  column_name: ["run", "记录"],
  column_data: ["data", "数据"],
  column_network: ["network", "网络"],
  column_accuracy: ["test accuracy", "测试准确率"],
  column_parameters: ["parameters", "参数"],
  column_epochs: ["epochs", "轮数"],
  column_seconds: ["seconds", "秒"],
  column_status: ["status", "状态"],
  column_started: ["began (UTC)", "开始时间 (UTC)"],
  run_finished: ["finished", "已完成"],
  run_interrupted: ["stopped", "已停止"],
  run_diverged: ["diverged", "发散"],
  run_running: ["not finished", "未完成"],
  run_damaged: ["damaged", "已损坏"],
};

/** The language: what was chosen, else the browser's where it is one of ours. */
export function language() {
  const wanted = localStorage.getItem("language") ?? navigator.language.slice(0, 2);
  return wanted in LANGUAGES ? wanted : "en";
}

export function setLanguage(name) {
  localStorage.setItem("language", name);
  document.documentElement.lang = name === "zh" ? "zh-Hans" : name;
}

/** Say what a key stands for, with values in its places. */
export function t(key, values = {}) {
  const place = Object.keys(LANGUAGES).indexOf(language());
  const words = WORDS[key]?.[place] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
