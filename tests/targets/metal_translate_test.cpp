#include "targets/metal/translate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "targets/metal/lint.h"
#include "targets/metal/tokens.h"

namespace burnish::metal {
namespace {

using testing::HasSubstr;

std::string translated(std::string_view source) {
  const auto t = translate(source);
  return t ? t->text : "error " + t.error().where + " " + t.error().what;
}

TEST(MetalTokens, KeepTheirPlaces) {
  const auto tokens = tokenize("a /* two\nlines */ b\n  // c\n  d>>=1;", false);
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 7u);  // a b d > >= 1 ;
  EXPECT_EQ((*tokens)[1].line, 2);
  EXPECT_EQ((*tokens)[1].column, 10);
  EXPECT_EQ((*tokens)[2].line, 4);
  EXPECT_EQ((*tokens)[4].text, ">=");
}

TEST(MetalTokens, ReadNumbersWhole) {
  const auto tokens = tokenize("1.5e-3f+0x1p-2f .5h 1'000u", false);
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 5u);
  EXPECT_EQ((*tokens)[0].text, "1.5e-3f");
  EXPECT_EQ((*tokens)[2].text, "0x1p-2f");
  EXPECT_EQ((*tokens)[3].text, ".5h");
}

TEST(MetalTokens, SayWhereSomethingIsUnfinished) {
  EXPECT_EQ(tokenize("int a;\n  /* b", false).error().where, "2:3");
  EXPECT_EQ(tokenize("char c = 'x;", false).error().where, "1:10");
}

TEST(MetalTranslate, NotesAKernelsParameters) {
  const auto t = translate(
      "kernel void f(device float* x, constant int& n [[buffer(4)]], device const half* y, threadgroup float* s "
      "[[threadgroup(1)]], uint2 p [[thread_position_in_grid]]) {}");
  ASSERT_TRUE(t) << t.error().what;
  ASSERT_EQ(t->kernels.size(), 1u);
  const auto& p = t->kernels[0].parameters;
  ASSERT_EQ(p.size(), 5u);
  EXPECT_EQ(p[0].index, 0);
  EXPECT_TRUE(p[0].writable);
  EXPECT_EQ(p[1].index, 4);
  EXPECT_FALSE(p[1].writable);
  EXPECT_EQ(p[2].index, 1);
  EXPECT_EQ(p[3].kind, Parameter::Kind::threadgroup);
  EXPECT_EQ(p[4].builtin, "thread_position_in_grid");
}

TEST(MetalTranslate, NamesTemplatesByTheirHostName) {
  const auto t = translate(
      "template <typename T> [[kernel]] void f(device T* x) {}\n"
      "template [[host_name(\"f_float\")]] [[kernel]] void f<float>(device float* x);\n"
      "template [[host_name(\"f_half\")]] [[kernel]] decltype(f<half>) f<half>;\n");
  ASSERT_TRUE(t) << t.error().what;
  ASSERT_EQ(t->kernels.size(), 2u);
  EXPECT_EQ(t->kernels[0].name, "f_float");
  EXPECT_EQ(t->kernels[1].name, "f_half");
}

TEST(MetalTranslate, MakesVectorsByFunctions) {
  EXPECT_THAT(translated("float4 f(float2 a) { return float4(a, 1, 2); }"), HasSubstr("mtl_make<float4>(a, 1, 2)"));
  EXPECT_THAT(translated("float4 f(half4 a) { return (float4)a * 2; }"), HasSubstr("mtl_castor<float4>{}->*a * 2"));
  EXPECT_THAT(translated("void f() { float4 a(1, 2, 3, 4); }"), HasSubstr("float4 a = mtl_make<float4>(1, 2, 3, 4)"));
  EXPECT_THAT(translated("template <typename T> T f(float a) { return T(a); }"), HasSubstr("mtl_make<T>(a)"));
}

TEST(MetalTranslate, TurnsThreadgroupVariablesIntoReferences) {
  EXPECT_THAT(
      translated("kernel void f() { threadgroup float a[4][8], b; }"),
      HasSubstr(
          "__local float (&a)[4][8] = mtl_static<float[4][8], 0>(); __local float (&b) = mtl_static<float, 1>();"));
  EXPECT_THAT(translated("void f() { threadgroup float a[4]; }"), HasSubstr("error 1:12"));
  EXPECT_THAT(translated("void f(threadgroup float* p) { threadgroup float* q = p; }"),
              HasSubstr("__local float* q = p;"));
  EXPECT_THAT(translated("kernel void f() { float threadgroup a[4]; }"),
              HasSubstr("error 1:25"));  // never a stack local
}

TEST(MetalTranslate, CountsOnlyLoopsInWhichThreadsMeet) {
  EXPECT_THAT(translated("void f(int n) { for (int i = 0; i < n; ++i) n -= i; }"),
              HasSubstr("for (int i = 0; mtl_tick() && (i < n); ++i)"));
  EXPECT_THAT(translated("void f(int n) { while (n) n = simd_sum(n); }"),
              HasSubstr("for (mtl_loop mtl_l(0); mtl_l.once();) while (mtl_l.tick() && (n))"));
  EXPECT_THAT(translated("int g(int n) { return simd_sum(n); }\nvoid f(int n) { do n = g(n); while (n > 0); }"),
              HasSubstr("for (mtl_loop mtl_l(0); mtl_l.once();) do n = g(n); while (mtl_l.tick() && (n > 0))"));
}

TEST(MetalTranslate, RefusesWhatAMacRefuses) {
  EXPECT_THAT(translated("int calls = 0;"), HasSubstr("must reside in constant address space"));
  EXPECT_THAT(translated("kernel void f(device float* x [[buffer(31)]]) {}"), HasSubstr("between 0 and 30"));
  EXPECT_THAT(translated("kernel void f(float x) {}"), HasSubstr("needs an attribute"));
}

TEST(MetalTranslate, MapsColumnsBack) {
  const auto t = translate("void f() { float4 a = float4(1); a.x = b; }");
  ASSERT_TRUE(t);
  const int column = static_cast<int>(t->text.substr(t->text.find('\n') + 1).find("= b")) + 3;
  EXPECT_EQ(users_column(*t, 1, column), 40);
}

TEST(MetalLint, FindsGenericPointersAndRecursion) {
  const auto complaints = lint(
      "TranslationUnitDecl 0x1 <<invalid sloc>> <invalid sloc>\n"
      "|-FunctionDecl 0x2 <program_source:3:1, col:45> col:7 used f 'float (__generic float *__private)'\n"
      "| |-ParmVarDecl 0x3 <col:13, col:20> col:20 used p '__generic float *__private'\n"
      "| `-CompoundStmt 0x4 <line:5:23, col:45>\n"
      "|   `-DeclRefExpr 0x5 <col:45> 'float (float)' lvalue Function 0x2 'f' 'float (float)'\n");
  ASSERT_EQ(complaints.size(), 2u);
  EXPECT_EQ(complaints[0].line, 3);
  EXPECT_EQ(complaints[0].column, 20);
  EXPECT_THAT(complaints[0].what, HasSubstr("address space"));
  EXPECT_THAT(complaints[1].what, HasSubstr("calls itself"));
}

}  // namespace
}  // namespace burnish::metal
