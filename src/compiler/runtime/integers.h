// Whole numbers, in C++ and CUDA.
namespace {

inline int64_t cdiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}
template <class A, class B>
inline int64_t min(A a, B b) {
  return int64_t(a) < int64_t(b) ? int64_t(a) : int64_t(b);
}
template <class A, class B>
inline int64_t max(A a, B b) {
  return int64_t(a) > int64_t(b) ? int64_t(a) : int64_t(b);
}

}  // namespace
