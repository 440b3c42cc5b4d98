// What @anyfork/fork-pool exports. Made by `npm run update --workspace @anyfork/reference`.

export type AnyFunction = (...args: never[]) => unknown;

export type Balancer = (workers: readonly Candidate[], args: readonly unknown[]) => Candidate;

export interface CallCounts {
    done: number;
    failed: number;
    lost: number;
    timedOut: number;
    aborted: number;
    retried: number;
    rejected: number;
}

export interface CallOptions {
    signal?: AbortSignal;
    timeout?: number;
    cpuMs?: number;
    priority?: number;
    key?: unknown;
    retries?: number;
    restrict?: Restrictions;
    onEvent?: WorkerEventListener;
}

export interface Candidate {
    readonly pid: number | undefined;
    readonly load: number;
    readonly calls: number;
    readonly lastFree: number;
}

export { Descriptor } from '@anyfork/fdpass'

export { ExecOptions } from '@anyfork/fork'

export { ForkError } from '@anyfork/fork'

export interface ForkPool<F extends AnyFunction = (...args: unknown[]) => unknown> extends PoolFunction<F>, PoolControl {
}

export { ForkProcess } from '@anyfork/fork'

export { Handle } from '@anyfork/fdpass'

export { MemoryFigures } from '@anyfork/fork'

export interface MemoryOptions {
    limit?: number;
    policy?: MemoryPolicy;
}

export { MemoryPolicy } from '@anyfork/fork'

export { ModuleSpecifier } from '@anyfork/fork'

export interface PendingCounts {
    waiting: number;
    waitingBytes: number;
    running: number;
}

export type PoolCall<F extends AnyFunction> = (...args: Sent<Parameters<F>>) => Returned<ReturnType<F>>;

export interface PoolControl extends AsyncDisposable {
    readonly workers: WorkerFigures[];
    stats(): Promise<PoolStats>;
    drained(): Promise<void>;
    reload(): Promise<void>;
    close(options?: {
        timeout?: number;
    }): Promise<void>;
    destroy(): Promise<void>;
    [Symbol.asyncDispose](): PromiseLike<void>;
}

export declare class PoolError extends Error {
    readonly code: PoolErrorCode;
    constructor(code: PoolErrorCode, message: string, options?: ErrorOptions);
}

export type PoolErrorCode = 'ERR_POOL_CLOSED' | 'ERR_POOL_CPU' | 'ERR_POOL_CRASH_LOOP' | 'ERR_POOL_DESTROYED' | 'ERR_POOL_MEMORY' | 'ERR_POOL_NO_TEMPLATE' | 'ERR_POOL_QUEUE_FULL' | 'ERR_POOL_START_TIMEOUT' | 'ERR_POOL_TIMEOUT';

export interface PoolFunction<F extends AnyFunction> {
    (...args: Sent<Parameters<F>>): Returned<ReturnType<F>>;
    with(options: CallOptions): PoolCall<F>;
}

export interface PoolOptions {
    max?: number;
    idle?: number;
    load?: number | 'auto';
    start?: number;
    stop?: number;
    startTimeout?: number;
    spare?: number;
    maxQueue?: number | QueueLimit;
    isolate?: boolean;
    restrict?: Restrictions;
    memory?: MemoryPolicy | number | MemoryOptions;
    cpuMs?: number;
    recycle?: Recycling;
    refork?: number | readonly number[];
    retries?: number;
    timeout?: number;
    balancer?: Balancer;
    async?: boolean;
    init?: string;
    serialiser?: SerialiserName | URL;
    maxMessageBytes?: number;
    maxDescriptors?: number;
    done?: string;
    onEvent?: WorkerEventListener;
    onError?: (error: Error) => void;
    onDestroy?: () => void;
}

export interface PoolStats {
    upMilliseconds: number;
    calls: CallCounts & PendingCounts;
    wait: Histogram;
    run: Histogram;
    utilisation: number;
    workers: (WorkerFigures & WithMemory)[];
    started: number;
    died: number;
    spares: number;
    template: TemplateFigures;
}

export type PooledModule<M> = {
    readonly [K in keyof M as K extends NotRemote ? never : M[K] extends AnyFunction ? K : never]: M[K] extends AnyFunction ? PoolFunction<M[K]> : never;
} & AsyncDisposable;

export { ProcessExitedError } from '@anyfork/fork'

export { ProcessOptions } from '@anyfork/fork'

export interface QueueLimit {
    calls?: number;
    bytes?: number;
}

export interface Recycling {
    calls?: number;
    jitter?: number;
    pss?: number;
    growth?: number;
    age?: number;
}

export { RemoteOptions } from '@anyfork/fork'

export { Restrictions } from '@anyfork/fork'

export { RpcError } from '@anyfork/fork-rpc'

export interface RunningCall {
    args: readonly unknown[];
    milliseconds: number;
}

export interface TemplateFigures extends WithMemory {
    pid: number | undefined;
    mode: 'fork' | 'exec' | undefined;
    obstacle?: string;
}

export type TemplateSource = ForkProcess | (() => ForkProcess);

export interface WithMemory {
    memory?: MemoryFigures;
}

export type WorkerEventListener = (this: WorkerEventSource, ...values: unknown[]) => void;

export interface WorkerEventSource {
    readonly pid: number;
}

export interface WorkerFigures {
    pid: number;
    mode: 'fork' | 'exec';
    state: WorkerState;
    startMilliseconds: number;
    ageMilliseconds: number;
    busyMilliseconds: number;
    calls: number;
    load: number;
    running?: RunningCall;
}

export type WorkerState = 'starting' | 'idle' | 'busy' | 'ending';

export declare function connectPool<M extends object>(module: ModuleSpecifier, options?: PoolOptions): PooledModule<M>;

export declare function connectPool<M extends object>(template: TemplateSource, module: ModuleSpecifier, options?: PoolOptions): PooledModule<M>;

export { fd } from '@anyfork/fork-rpc'

export declare const leastLoaded: Balancer;

export { memoryOf } from '@anyfork/fork'

export declare function ncpu(): number;

export declare function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(module: ModuleSpecifier, options?: PoolOptions): ForkPool<F>;

export declare function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(module: ModuleSpecifier, name: string, options?: PoolOptions): ForkPool<F>;

export declare function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(template: TemplateSource, module: ModuleSpecifier, options?: PoolOptions): ForkPool<F>;

export declare function pool<F extends AnyFunction = (...args: unknown[]) => unknown>(template: TemplateSource, module: ModuleSpecifier, name: string, options?: PoolOptions): ForkPool<F>;

export declare function poolOf(pooled: object): PoolControl;
