// What @anyfork/fork-rpc exports. Made by `npm run update --workspace @anyfork/reference`.

export interface CallOptions {
    signal?: AbortSignal;
    timeout?: number;
    killOnAbort?: boolean;
    awaitAbort?: boolean;
    onEvent?: (...values: unknown[]) => void;
}

export declare class CallPromise<T = unknown> extends Promise<T> {
    [Symbol.asyncIterator](): AsyncIterator<T extends AsyncIterable<infer V> | Iterable<infer V> ? V : unknown>;
}

export interface CallTrace {
    module: string | undefined;
    name: string;
    args: readonly unknown[];
    pid: number | undefined;
    result?: unknown;
    error?: unknown;
}

export interface Counters {
    calls: number;
    pending: number;
    results: number;
    errors: number;
    aborted: number;
    events: number;
    bytesSent: number;
    bytesReceived: number;
}

export { Descriptor } from '@anyfork/fdpass'

export interface DoneReference {
    module: ModuleSpecifier;
    name: string;
    exits?: boolean;
}

export { ExecOptions } from '@anyfork/fork'

export { ExitDetails } from '@anyfork/fork'

export { ExitStatus } from '@anyfork/fork'

export { ForkError } from '@anyfork/fork'

export { ForkProcess } from '@anyfork/fork'

export { Handle } from '@anyfork/fdpass'

export interface HighWaterMark {
    calls?: number;
    bytes?: number;
}

export { MemoryFigures } from '@anyfork/fork'

export { MemoryPolicy } from '@anyfork/fork'

export { ModuleSpecifier } from '@anyfork/fork'

export type NotRemote = 'then' | 'toJSON' | 'toString' | 'valueOf';

export declare class PassedDescriptor {
    constructor(descriptor: Descriptor);
    static get areWaiting(): boolean;
    get isWaiting(): boolean;
    release(): Descriptor;
}

export { ProcessExitedError } from '@anyfork/fork'

export { ProcessOptions } from '@anyfork/fork'

export type Received<T> = T extends PassedDescriptor ? Descriptor : T extends (infer V)[] ? number extends T['length'] ? Received<V>[] : {
    [K in keyof T]: Received<T[K]>;
} : T extends readonly unknown[] ? {
    [K in keyof T]: Received<T[K]>;
} : IsPlain<T> extends true ? {
    [K in keyof T]: Received<T[K]>;
} : T;

export type Remote<M> = {
    readonly [K in keyof M as K extends NotRemote ? never : M[K] extends Fn ? K : never]: M[K] extends Fn ? RemoteFunction<M[K]> : never;
} & AsyncDisposable;

export interface RemoteFunction<F extends Fn> {
    (...args: Sent<Parameters<F>>): Returned<ReturnType<F>>;
    with(options: CallOptions): (...args: Sent<Parameters<F>>) => Returned<ReturnType<F>>;
}

export { RemoteOptions } from '@anyfork/fork'

export { Restrictions } from '@anyfork/fork'

export type Returned<R> = Awaited<R> extends AsyncIterable<infer V> | Iterator<infer V, unknown, never> ? Promise<AsyncIterableIterator<Received<V>>> & AsyncIterable<Received<V>> : Awaited<R> extends readonly (infer V)[] ? Promise<Received<Awaited<R>>> & AsyncIterable<Received<V>> : Promise<Received<Awaited<R>>>;

export interface Rpc extends RpcControl {
    (...args: unknown[]): CallPromise;
    with(options: CallOptions): (...args: unknown[]) => CallPromise;
}

export interface RpcControl extends AsyncDisposable {
    readonly pid: number | undefined;
    readonly isAlive: boolean;
    readonly pressure: number;
    drained(): Promise<void>;
    readonly counters: Counters;
    ready(): Promise<void>;
    close(): Promise<void>;
    destroy(cause?: unknown): Promise<void>;
    readonly ended: Promise<ExitStatus>;
}

export declare class RpcError extends Error {
    readonly code: RpcErrorCode;
    constructor(code: RpcErrorCode, message: string, options?: ErrorOptions);
}

export type RpcErrorCode = 'ERR_CALL_TIMEOUT' | 'ERR_RPC_CLOSED' | 'ERR_RPC_PROTOCOL';

export interface RpcOptions {
    serialiser?: SerialiserName | URL;
    async?: boolean;
    init?: string;
    done?: string | DoneReference;
    spin?: number;
    highWaterMark?: HighWaterMark;
    maxMessageBytes?: number;
    maxDescriptors?: number;
    memory?: MemoryPolicy;
    onEvent?: (...values: unknown[]) => void;
    onError?: (error: Error) => void;
    onDestroy?: () => void;
}

export type Sent<T> = T extends Descriptor ? PassedDescriptor : T extends AsyncIterable<infer V> ? AsyncIterable<Sent<V>> | IterableIterator<Sent<V>> : T extends (infer V)[] ? number extends T['length'] ? Sent<V>[] : {
    [K in keyof T]: Sent<T[K]>;
} : T extends readonly unknown[] ? {
    [K in keyof T]: Sent<T[K]>;
} : IsPlain<T> extends true ? {
    [K in keyof T]: Sent<T[K]>;
} : T;

export interface Serialiser {
    encode(values: readonly unknown[]): Uint8Array;
    decode(bytes: Uint8Array): unknown[];
}

export type SerialiserName = 'cbor' | 'json' | 'octets' | 'v8';

export declare function connect<M extends object>(process: ForkProcess, module: ModuleSpecifier, options?: RpcOptions): Remote<M>;

export declare function fd(handle: Handle): PassedDescriptor;

export { memoryOf } from '@anyfork/fork'

export declare function preload(template: ForkProcess): ForkProcess;

export declare function rpcOf(remote: object): RpcControl;

export declare function run(process: ForkProcess, module: ModuleSpecifier, name: string, options?: RpcOptions): Rpc;

export declare function run(process: ForkProcess, name: string, options?: RpcOptions): Rpc;
