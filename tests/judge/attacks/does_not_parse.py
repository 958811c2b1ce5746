# reason: compile import crash model
# problem: dense
class ModelNew(:
