/** Loads what the jobs need: in the benchmark, a large module stands for the libraries of real jobs. */
export async function load(): Promise<void> {
  const name = process.env['BENCHMARK_MODULE']
  if (name) await import(name)
}
