extern "C" __global__ void __launch_bounds__(256) row_scale(const float* x, float* y, long long n) {
  __shared__ float partial[8];
  const float* row = x + blockIdx.x * n;
  float sum = 0.0f;
  for (long long i = threadIdx.x; i < n; i += blockDim.x) sum += fabsf(row[i]);
  for (int o = 16; o > 0; o >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, o);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0.0f;
  for (int w = 0; w < 8; ++w) sum += partial[w];
  for (long long i = threadIdx.x; i < n; i += blockDim.x) y[blockIdx.x * n + i] = row[i] / sum;
}
