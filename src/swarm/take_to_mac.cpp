#include "swarm/take_to_mac.h"

#include <fmt/format.h>

namespace burnish {

std::string take_to_mac(const std::string& problem_file, const std::string& cls) {
  const std::string model = problem_file.empty() ? "MODEL.py" : problem_file.substr(problem_file.rfind('/') + 1);
  return fmt::format(
      "# On a Mac\n\n"
      "This plan was verified on Burnish's Metal emulator. It has never run on a GPU: no time of it is known, and the\n"
      "estimate in burnish.json is one. On a Mac with Apple silicon (macOS 14 or newer), with this folder, {0} and a\n"
      "checkout of Burnish:\n\n"
      "    pip install torch numpy\n"
      "    PYTHONPATH=BURNISH/python python -m burnish.metal THIS_FOLDER {0}{1}{2}\n\n"
      "It compares the plan with your module on MPS and times both there. The kernels are the .metal files; plan.json\n"
      "says in which order they and PyTorch's own operators run.\n",
      model, cls.empty() ? "" : ":", cls);
}

}  // namespace burnish
