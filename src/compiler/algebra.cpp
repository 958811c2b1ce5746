#include "compiler/rules.h"

namespace burnish::compiler {
namespace {
using enum RuleClass;

constexpr Rule table[] = {
    {"dropout, evaluating", "dropout(?x, #p, false)", "?x", exact,
     "every transformer: dropout does nothing once trained"},
    {"feature dropout, evaluating", "feature_dropout(?x, #p, false)", "?x", exact, "segmentation networks: Dropout2d"},
    {"alpha dropout, evaluating", "alpha_dropout(?x, #p, false)", "?x", exact, "self-normalising networks"},
    {"batch norm into a 2-D convolution",
     "batch_norm(conv2d(?x, ?k, ?c, #st=[1, 1], #pad=[0, 0], #dil=[1, 1], #g=1), ?w, ?b, ?m, ?v, false, #mom, #eps, "
     "#cudnn=true)",
     "r = rank_is(?x, 4); s = mul(?w, rsqrt(add(?v, #eps))); "
     "conv2d(?x, mul(?k, reshape(s, along(?k, 0))), add(mul(sub(?c, ?m), s), ?b), #st, #pad, #dil, #g)",
     changes, "ResNet, MobileNet: every convolution"},
    {"batch norm into a 2-D convolution without bias",
     "batch_norm(conv2d(?x, ?k, none, #st=[1, 1], #pad=[0, 0], #dil=[1, 1], #g=1), ?w, ?b, ?m, ?v, false, #mom, #eps, "
     "#cudnn=true)",
     "r = rank_is(?x, 4); s = mul(?w, rsqrt(add(?v, #eps))); "
     "conv2d(?x, mul(?k, reshape(s, along(?k, 0))), sub(?b, mul(?m, s)), #st, #pad, #dil, #g)",
     changes, "ResNet, MobileNet: every convolution"},
    {"batch norm into a 1-D convolution",
     "batch_norm(conv1d(?x, ?k, ?c, #st=[1], #pad=[0], #dil=[1], #g=1), ?w, ?b, ?m, ?v, false, #mom, #eps, "
     "#cudnn=true)",
     "r = rank_is(?x, 3); s = mul(?w, rsqrt(add(?v, #eps))); "
     "conv1d(?x, mul(?k, reshape(s, along(?k, 0))), add(mul(sub(?c, ?m), s), ?b), #st, #pad, #dil, #g)",
     changes, "speech encoders"},
    {"batch norm into a 3-D convolution",
     "batch_norm(conv3d(?x, ?k, ?c, #st=[1, 1, 1], #pad=[0, 0, 0], #dil=[1, 1, 1], #g=1), ?w, ?b, ?m, ?v, false, #mom, "
     "#eps, #cudnn=true)",
     "r = rank_is(?x, 5); s = mul(?w, rsqrt(add(?v, #eps))); "
     "conv3d(?x, mul(?k, reshape(s, along(?k, 0))), add(mul(sub(?c, ?m), s), ?b), #st, #pad, #dil, #g)",
     changes, "video networks"},
    {"batch norm into a 2-D transposed convolution",
     "batch_norm(conv_transpose2d(?x, ?k, ?c, #st=[1, 1], #pad=[0, 0], #op=[0, 0], 1, #dil=[1, 1]), ?w, ?b, ?m, ?v, "
     "false, #mom, #eps, #cudnn=true)",
     "r = rank_is(?x, 4); s = mul(?w, rsqrt(add(?v, #eps))); "
     "conv_transpose2d(?x, mul(?k, reshape(s, along(?k, 1))), add(mul(sub(?c, ?m), s), ?b), #st, #pad, #op, 1, #dil)",
     changes, "decoders of autoencoders and GANs"},
    {"batch norm into a 3-D transposed convolution",
     "batch_norm(conv_transpose3d(?x, ?k, ?c, #st=[1, 1, 1], #pad=[0, 0, 0], #op=[0, 0, 0], 1, #dil=[1, 1, 1]), ?w, "
     "?b, ?m, ?v, false, #mom, #eps, #cudnn=true)",
     "r = rank_is(?x, 5); s = mul(?w, rsqrt(add(?v, #eps))); "
     "conv_transpose3d(?x, mul(?k, reshape(s, along(?k, 1))), add(mul(sub(?c, ?m), s), ?b), #st, #pad, #op, 1, #dil)",
     changes, "decoders of volumetric networks"},
    {"batch norm into a product", "batch_norm(linear(?x, ?k, ?c), ?w, ?b, ?m, ?v, false, #mom, #eps, #cudnn=true)",
     "r = rank_is(?x, 2); s = mul(?w, rsqrt(add(?v, #eps))); linear(?x, mul(?k, reshape(s, along(?k, 0))), "
     "add(mul(sub(?c, ?m), s), ?b))",
     changes, "projection heads of self-supervised models"},
    {"scale into a product", "mul(linear(?x, ?k, ?c), #a)", "linear(?x, mul(?k, #a), mul(?c, #a))", changes,
     "logit scales and temperatures"},
    {"two scales", "mul(mul(?x, #a), #b)", "mul(?x, #a * #b)", changes, "attention's scale after a temperature"},
    {"scale by a quotient", "mul(div(?x, #a), #b)", "mul(?x, #b / #a)", changes, "temperatures"},
    {"sum of a product's outputs", "sum.dim_IntList(linear(?x, ?k, ?c), #d, keepdim:#keep=false)",
     "l = only_last(?x, #d); reshape(linear(?x, sum(?k, [0], true), sum(?c, [0], true)), out_shape())", changes,
     "ensembles of linear heads that are added up"},
    {"mean of a product's outputs", "mean.dim(linear(?x, ?k, ?c), #d, keepdim:#keep=false)",
     "l = only_last(?x, #d); reshape(linear(?x, div(sum(?k, [0], true), size(?k, 0)), div(sum(?c, [0], true), size(?k, "
     "0))), out_shape())",
     changes, "ensembles of linear heads that are averaged"},
    {"softmax over one element", "softmax(?x, #d)", "o = only_one(?x, #d); add(mul(?x, 0.0), 1.0)", exact,
     "attention over one key, a classifier with one class; infinities and NaN give NaN as before"},
    {"log softmax over one element", "log_softmax(?x, #d)", "o = only_one(?x, #d); sub(?x, ?x)", exact,
     "a classifier with one class; infinities and NaN give NaN as before"},
    {"logsumexp of one element", "logsumexp(?x, #d, keepdim:#keep=false)",
     "o = only_one(?x, #d); reshape(mul(?x, 1.0), out_shape())", exact, "mixtures with one component"},
    {"largest of one element", "amax(?x, #d, #keep=false)", "o = only_one(?x, #d); reshape(mul(?x, 1.0), out_shape())",
     exact, "a reduction repeated after one that keeps its dimension"},
    {"mean of one element", "mean.dim(?x, #d, keepdim:#keep=false)",
     "o = only_one(?x, #d); reshape(mul(?x, 1.0), out_shape())", same, "global pooling of what is one pixel already"},
    {"sum of one element", "sum.dim_IntList(?x, #d, keepdim:#keep=false)",
     "o = only_one(?x, #d); reshape(mul(?x, 1.0), out_shape())", same,
     "a reduction repeated after one that keeps its dimension"},
    {"attention by hand", "matmul(softmax(mul(matmul(?q, transpose(?k, -2, -1)), #s), -1), ?v)",
     "scaled_dot_product_attention(?q, ?k, ?v, none, 0.0, false, scale:#s)", same,
     "transformers that write attention out"},
    {"attention by hand, divided", "matmul(softmax(div(matmul(?q, transpose(?k, -2, -1)), #s), -1), ?v)",
     "scaled_dot_product_attention(?q, ?k, ?v, none, 0.0, false, scale:1.0 / #s)", same, "BERT"},
    {"attention by hand, scaled before", "matmul(softmax(matmul(?q, transpose(?k, -2, -1)), -1), ?v)",
     "scaled_dot_product_attention(?q, ?k, ?v, none, 0.0, false, scale:1.0)", same,
     "transformers that scale the queries"},
    {"attention by hand, masked",
     "matmul(softmax(masked_fill(mul(matmul(?q, transpose(?k, -2, -1)), #s), ?mask, -inf), -1), ?v)",
     "scaled_dot_product_attention(?q, ?k, ?v, logical_not(?mask), 0.0, false, scale:#s)", same, "nanoGPT"},
    {"attention by hand, masked and divided",
     "matmul(softmax(masked_fill(div(matmul(?q, transpose(?k, -2, -1)), #s), ?mask, -inf), -1), ?v)",
     "scaled_dot_product_attention(?q, ?k, ?v, logical_not(?mask), 0.0, false, scale:1.0 / #s)", same, "GPT-2"},
    {"attention by hand with a bias", "matmul(softmax(add(mul(matmul(?q, transpose(?k, -2, -1)), #s), ?b), -1), ?v)",
     "scaled_dot_product_attention(?q, ?k, ?v, ?b, 0.0, false, scale:#s)", same, "relative positions, padding masks"},
    {"attention by hand with a bias, divided",
     "matmul(softmax(add(div(matmul(?q, transpose(?k, -2, -1)), #s), ?b), -1), ?v)",
     "scaled_dot_product_attention(?q, ?k, ?v, ?b, 0.0, false, scale:1.0 / #s)", same, "BERT's padding mask"},
    {"attention by hand with a bias, scaled before",
     "matmul(softmax(add(matmul(?q, transpose(?k, -2, -1)), ?b), -1), ?v)",
     "scaled_dot_product_attention(?q, ?k, ?v, ?b, 0.0, false, scale:1.0)", same, "T5, Swin"},
    // A product with a diagonal matrix: other elements of a row meet zeros, which is nothing for finite numbers.
    {"diagonal matrix times a matrix", "matmul(diag(?a), ?b)",
     "v = rank_is(?a, 1); m = rank_is(?b, 2); mul(unsqueeze(?a, 1), ?b)", same,
     "scales of rows: whitening, normalised graph Laplacians"},
    {"diagonal matrix times a matrix, mm", "mm(diag(?a), ?b)", "mul(unsqueeze(?a, 1), ?b)", same,
     "scales of rows: whitening, normalised graph Laplacians"},
    {"diagonal matrix times a vector", "matmul(diag(?a), ?b)", "v = rank_is(?a, 1); m = rank_is(?b, 1); mul(?a, ?b)",
     same, "preconditioning"},
    {"matrix times a diagonal matrix", "matmul(?b, diag(?a))", "v = rank_is(?a, 1); mul(?b, ?a)", same,
     "scales of columns: graph Laplacians, factors of a singular value decomposition"},
    {"matrix times a diagonal matrix, mm", "mm(?b, diag(?a))", "mul(?b, ?a)", same,
     "scales of columns: graph Laplacians, factors of a singular value decomposition"},
    {"diagonal matrices times matrices", "matmul(diag_embed(?a), ?b)",
     "v = rank_is(?a, 2); m = rank_is(?b, 3); mul(unsqueeze(?a, 2), ?b)", same,
     "state spaces with diagonal transitions"},
    {"matrices times diagonal matrices", "matmul(?b, diag_embed(?a))",
     "v = rank_is(?a, 2); m = rank_is(?b, 3); mul(?b, unsqueeze(?a, 1))", same,
     "state spaces with diagonal transitions"},
    {"twice the identity", "relu(relu(?x))", "relu(?x)", exact,
     "blocks that are put together from parts that each end and start with one"},
    {"back and forth", "neg(neg(?x))", "?x", exact, "losses built from negated scores"},
};
}  // namespace

std::span<const Rule> algebra() {
  return table;
}

}  // namespace burnish::compiler
