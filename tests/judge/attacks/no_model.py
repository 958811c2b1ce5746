# reason: plan compile import crash model structure
# problem: dense
ModelOld = object
