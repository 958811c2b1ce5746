#include "compiler/rules.h"

namespace burnish::compiler {
namespace {
using enum RuleClass;

constexpr Rule table[] = {
    {"softmax", "softmax(?x, #d)",
     "m = amax(?x, [#d], true); e = exp(sub(?x, m)); mul(e, reciprocal(sum(e, [#d], true)))"},
    {"_softmax", "_softmax(?x, #d, false)", "softmax(?x, #d)"},
    {"log softmax", "log_softmax(?x, #d)", "s = sub(?x, amax(?x, [#d], true)); sub(s, log(sum(exp(s), [#d], true)))"},
    {"logsumexp", "logsumexp(?x, #d, keepdim:#k=false)",
     "m = amax(?x, #d, true); c = where(eq(abs(m), inf), 0.0, m); "
     "reshape(add(log(sum(exp(sub(?x, c)), #d, true)), c), out_shape())"},
    {"mean", "mean(?x)", "div(sum(?x), count(?x, none))"},
    {"mean over dimensions", "mean.dim(?x, #d, keepdim:#k=false)", "div(sum(?x, #d, #k), count(?x, #d))"},
    {"variance", "var.correction(?x, dim:#d=none, correction:#c=1, keepdim:#k=false)",
     "c = sub(?x, div(sum(?x, dims(?x, #d), true), count(?x, #d))); div(sum(mul(c, c), dims(?x, #d), #k), count(?x, "
     "#d) - #c)"},
    {"standard deviation", "std.correction(?x, dim:#d=none, correction:#c=1, keepdim:#k=false)",
     "sqrt(var.correction(?x, #d, correction:#c, keepdim:#k))"},
    {"variance, unbiased", "var.dim(?x, #d, unbiased:true, keepdim:#k=false)",
     "var.correction(?x, #d, correction:1, keepdim:#k)"},
    {"variance by default", "var.dim(?x, #d)", "var.correction(?x, #d, correction:1, keepdim:false)"},
    {"variance, biased", "var.dim(?x, #d, unbiased:false, keepdim:#k=false)",
     "var.correction(?x, #d, correction:0, keepdim:#k)"},
    {"variance of all", "var(?x)", "var.correction(?x, none, correction:1, keepdim:false)"},
    {"deviation, unbiased", "std.dim(?x, #d, unbiased:true, keepdim:#k=false)",
     "sqrt(var.correction(?x, #d, correction:1, keepdim:#k))"},
    {"deviation by default", "std.dim(?x, #d)", "sqrt(var.correction(?x, #d, correction:1, keepdim:false))"},
    {"deviation, biased", "std.dim(?x, #d, unbiased:false, keepdim:#k=false)",
     "sqrt(var.correction(?x, #d, correction:0, keepdim:#k))"},
    {"deviation of all", "std(?x)", "sqrt(var.correction(?x, none, correction:1, keepdim:false))"},

    {"layer norm", "layer_norm(?x, #s, ?w, ?b, #eps=0.00001, #cudnn=true)",
     "d = last(?x, #s); c = sub(?x, mean.dim(?x, d, true)); r = rsqrt(add(mean.dim(mul(c, c), d, true), #eps)); "
     "add(mul(mul(c, r), ?w), ?b)"},
    {"layer norm without bias", "layer_norm(?x, #s, ?w, none, #eps=0.00001, #cudnn=true)",
     "d = last(?x, #s); c = sub(?x, mean.dim(?x, d, true)); r = rsqrt(add(mean.dim(mul(c, c), d, true), #eps)); "
     "mul(mul(c, r), ?w)"},
    {"layer norm, plain", "layer_norm(?x, #s, none, none, #eps=0.00001, #cudnn=true)",
     "d = last(?x, #s); c = sub(?x, mean.dim(?x, d, true)); r = rsqrt(add(mean.dim(mul(c, c), d, true), #eps)); mul(c, "
     "r)"},
    {"RMS norm", "rms_norm(?x, #s, ?w, #eps)",
     "mul(mul(?x, rsqrt(add(mean.dim(mul(?x, ?x), last(?x, #s), true), #eps))), ?w)"},
    {"RMS norm, plain", "rms_norm(?x, #s, none, #eps)",
     "mul(?x, rsqrt(add(mean.dim(mul(?x, ?x), last(?x, #s), true), #eps)))"},
    {"RMS norm by default", "rms_norm(?x, #s, ?w, none)",
     "mul(mul(?x, rsqrt(add(mean.dim(mul(?x, ?x), last(?x, #s), true), epsilon()))), ?w)"},
    {"group norm", "group_norm(?x, #g, ?w, ?b, #eps=0.00001, #cudnn=true)",
     "r = reshape(?x, groups(?x, #g)); c = sub(r, mean.dim(r, [2, 3], true)); "
     "n = mul(c, rsqrt(add(mean.dim(mul(c, c), [2, 3], true), #eps))); "
     "add(mul(reshape(n, shape(?x)), reshape(?w, channels(?x))), reshape(?b, channels(?x)))"},
    {"group norm, plain", "group_norm(?x, #g, none, none, #eps=0.00001, #cudnn=true)",
     "r = reshape(?x, groups(?x, #g)); c = sub(r, mean.dim(r, [2, 3], true)); "
     "reshape(mul(c, rsqrt(add(mean.dim(mul(c, c), [2, 3], true), #eps))), shape(?x))"},
    {"instance norm", "instance_norm(?x, ?w, ?b, none, none, true, #m, #eps, #cudnn=true)",
     "c = sub(?x, mean.dim(?x, from(?x, 2), true)); n = mul(c, rsqrt(add(mean.dim(mul(c, c), from(?x, 2), true), "
     "#eps))); "
     "add(mul(n, reshape(?w, channels(?x))), reshape(?b, channels(?x)))"},
    {"instance norm, plain", "instance_norm(?x, none, none, none, none, true, #m, #eps, #cudnn=true)",
     "c = sub(?x, mean.dim(?x, from(?x, 2), true)); mul(c, rsqrt(add(mean.dim(mul(c, c), from(?x, 2), true), #eps)))"},
    {"batch norm", "batch_norm(?x, ?w, ?b, ?m, ?v, false, #mom, #eps, #cudnn=true)",
     "s = mul(?w, rsqrt(add(?v, #eps))); h = sub(?b, mul(?m, s)); add(mul(?x, reshape(s, channels(?x))), reshape(h, "
     "channels(?x)))"},
    {"batch norm, plain", "batch_norm(?x, none, none, ?m, ?v, false, #mom, #eps, #cudnn=true)",
     "s = rsqrt(add(?v, #eps)); h = neg(mul(?m, s)); add(mul(?x, reshape(s, channels(?x))), reshape(h, channels(?x)))"},

    {"vector norm, 2", "linalg_vector_norm(?x, 2, dim:#d=none, keepdim:#k=false)",
     "sqrt(sum(mul(?x, ?x), dims(?x, #d), #k))"},
    {"vector norm, default", "linalg_vector_norm(?x)", "sqrt(sum(mul(?x, ?x), all_dims(?x), false))"},
    {"vector norm, 1", "linalg_vector_norm(?x, 1, dim:#d=none, keepdim:#k=false)", "sum(abs(?x), dims(?x, #d), #k)"},
    {"vector norm, inf", "linalg_vector_norm(?x, inf, dim:#d=none, keepdim:#k=false)",
     "amax(abs(?x), dims(?x, #d), #k)"},
    {"norm over dimensions", "norm.ScalarOpt_dim(?x, 2, #d, keepdim:#k=false)", "sqrt(sum(mul(?x, ?x), #d, #k))"},
    {"Frobenius norm", "norm.Scalar(?x, 2)", "sqrt(sum(mul(?x, ?x), all_dims(?x), false))"},
    {"cosine similarity", "cosine_similarity(?a, ?b, #d=1, #eps=0.00000001)",
     "p = sum(mul(?a, ?b), [#d], false); n = clamp_min(sqrt(sum(mul(?a, ?a), [#d], false)), #eps); "
     "m = clamp_min(sqrt(sum(mul(?b, ?b), [#d], false)), #eps); div(p, mul(n, m))"},
    {"pairwise distance", "pairwise_distance(?a, ?b, #p=2, #eps=0.000001, #k=false)",
     "d = add(sub(?a, ?b), #eps); linalg_vector_norm(d, #p, [-1], #k)"},
    {"all of a dimension", "max(?x)", "amax(?x, all_dims(?x), false)"},
    {"least of all", "min(?x)", "amin(?x, all_dims(?x), false)"},
    {"average pooling to one, 2-D", "adaptive_avg_pool2d(?x, [1, 1])", "mean.dim(?x, [-2, -1], true)"},
    {"average pooling to one, 1-D", "adaptive_avg_pool1d(?x, [1])", "mean.dim(?x, [-1], true)"},
    {"average pooling to one, 3-D", "adaptive_avg_pool3d(?x, [1, 1, 1])", "mean.dim(?x, [-3, -2, -1], true)"},

    {"squared error, mean", "mse_loss(?a, ?b, #r=1)", "d = sub(?a, ?b); reduce_loss(mul(d, d), #r)"},
    {"absolute error", "l1_loss(?a, ?b, #r=1)", "reduce_loss(abs(sub(?a, ?b)), #r)"},
    {"smooth absolute error", "smooth_l1_loss(?a, ?b, #r=1, #beta=1.0)",
     "d = abs(sub(?a, ?b)); reduce_loss(where(lt(d, #beta), div(mul(mul(d, d), 0.5), #beta), sub(d, 0.5 * #beta)), "
     "#r)"},
    {"Huber", "huber_loss(?a, ?b, #r=1, #delta=1.0)",
     "d = abs(sub(?a, ?b)); reduce_loss(where(le(d, #delta), mul(mul(d, d), 0.5), mul(sub(d, 0.5 * #delta), #delta)), "
     "#r)"},
    {"Kullback-Leibler", "kl_div(?x, ?t, #r=1)", "reduce_loss(where(gt(?t, 0), mul(?t, sub(log(?t), ?x)), 0.0), #r)"},
    {"Kullback-Leibler, log target", "kl_div(?x, ?t, #r=1, log_target:true)",
     "reduce_loss(mul(exp(?t), sub(?t, ?x)), #r)"},
    {"cross entropy with logits", "binary_cross_entropy_with_logits(?x, ?t, none, none, #r=1)",
     "reduce_loss(add(sub(relu(?x), mul(?x, ?t)), log1p(exp(neg(abs(?x))))), #r)"},
    {"cross entropy of probabilities", "binary_cross_entropy(?x, ?t, none, #r=1)",
     "a = clamp_min(log(?x), -100); b = clamp_min(log1p(neg(?x)), -100); reduce_loss(sub(mul(sub(?t, 1), b), mul(?t, "
     "a)), #r)"},
    {"hinge", "hinge_embedding_loss(?x, ?t, #margin=1.0, #r=1)",
     "reduce_loss(where(eq(?t, 1), ?x, relu(add(neg(?x), #margin))), #r)"},
    {"triplet margin", "triplet_margin_loss(?a, ?p, ?n, #margin=1.0, 2.0, #eps=0.000001, false, #r=1)",
     "e = pairwise_distance(?a, ?p, 2, #eps, false); f = pairwise_distance(?a, ?n, 2, #eps, false); "
     "reduce_loss(clamp_min(add(sub(e, f), #margin), 0), #r)"},
    {"triplet margin by default", "triplet_margin_loss(?a, ?p, ?n, #margin=1.0)",
     "e = pairwise_distance(?a, ?p, 2, 0.000001, false); f = pairwise_distance(?a, ?n, 2, 0.000001, false); "
     "reduce_loss(clamp_min(add(sub(e, f), #margin), 0), 1)"},
    {"mean of a loss", "reduce_loss(?x, 1)", "div(sum(?x, all_dims(?x), false), count(?x, none))"},
    {"sum of a loss", "reduce_loss(?x, 2)", "sum(?x, all_dims(?x), false)"},
    {"a loss as it is", "reduce_loss(?x, 0)", "?x"},
    {"softmax cross entropy", "cross_entropy_loss(?x, ?index, none, #r=1, #ignore=-100, #smooth=0.0)",
     "class_loss(?x, ?index, #r, #ignore, #smooth)"},
    {"negative log likelihood", "nll_loss_nd(?x, ?index, none, #r=1, #ignore=-100)",
     "picked_loss(neg(?x), ?index, #r, #ignore)"},
    {"class loss", "class_loss(?x, ?index, #r, #ignore, 0.0)",
     "s = sub(?x, amax(?x, [1], true)); l = log(sum(exp(s), [1], true)); picked_loss(sub(l, s), ?index, #r, #ignore)"},
    {"class loss, smoothed", "class_loss(?x, ?index, 1, -100, #smooth)",
     "s = sub(?x, amax(?x, [1], true)); p = sub(log(sum(exp(s), [1], true)), s); t = unsqueeze(?index, 1); v = ne(t, "
     "-100); "
     "hit = eq(reshape(arange(size(?x, 1)), channels(?x)), t); "
     "a = where(v, add(mul(sum(where(hit, p, 0.0), [1], true), 1 - #smooth), mul(sum(p, [1], true), #smooth / size(?x, "
     "1))), 0.0); "
     "div(sum(a, all_dims(a), false), sum(v, all_dims(v), false))"},
    {"picked loss, mean", "picked_loss(?p, ?index, 1, #ignore)",
     "t = unsqueeze(?index, 1); v = ne(t, #ignore); hit = eq(reshape(arange(size(?p, 1)), channels(?p)), t); "
     "a = where(v, sum(where(hit, ?p, 0.0), [1], true), 0.0); div(sum(a, all_dims(a), false), sum(v, all_dims(v), "
     "false))"},
    {"picked loss, sum", "picked_loss(?p, ?index, 2, #ignore)",
     "t = unsqueeze(?index, 1); hit = eq(reshape(arange(size(?p, 1)), channels(?p)), t); "
     "a = where(ne(t, #ignore), sum(where(hit, ?p, 0.0), [1], true), 0.0); sum(a, all_dims(a), false)"},
    {"picked loss, each", "picked_loss(?p, ?index, 0, #ignore)",
     "t = unsqueeze(?index, 1); hit = eq(reshape(arange(size(?p, 1)), channels(?p)), t); "
     "reshape(where(ne(t, #ignore), sum(where(hit, ?p, 0.0), [1], true), 0.0), out_shape())"},

    {"gated linear unit", "glu(?x, #d=-1)",
     "mul(slice(?x, #d, 0, half(?x, #d)), sigmoid(slice(?x, #d, half(?x, #d), size(?x, #d))))"},
    {"square", "pow.Tensor_Scalar(?x, 2)", "mul(?x, ?x)"},
    {"cube", "pow.Tensor_Scalar(?x, 3)", "mul(mul(?x, ?x), ?x)"},
    {"fourth power", "pow.Tensor_Scalar(?x, 4)", "s = mul(?x, ?x); mul(s, s)"},
    {"square root", "pow.Tensor_Scalar(?x, 0.5)", "sqrt(?x)"},
    {"inverse square root", "pow.Tensor_Scalar(?x, -0.5)", "rsqrt(?x)"},
    {"inverse", "pow.Tensor_Scalar(?x, -1)", "reciprocal(?x)"},
    {"weighted leak", "prelu(?x, ?w)", "where(gt(?x, 0), ?x, mul(?x, reshape(?w, leak(?x, ?w))))"},
};
}  // namespace

std::span<const Rule> canonical_forms() {
  return table;
}

}  // namespace burnish::compiler
