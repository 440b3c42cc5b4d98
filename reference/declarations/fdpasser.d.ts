// What @anyfork/fdpasser exports. Made by `npm run update --workspace @anyfork/reference`.

export { Descriptor } from '@anyfork/fdpass'

export declare class FdPasser implements AsyncDisposable, AsyncIterable<Descriptor> {
    constructor(options?: FdPasserOptions);
    iAmParent(): this;
    iAmChild(): this;
    get pressure(): number;
    drained(): Promise<void>;
    pushSend(handle: Handle, options?: SendOptions): Promise<void>;
    pushRecv(): Promise<Descriptor>;
    pushRecv(callback: ReceiveCallback): void;
    [Symbol.asyncIterator](): AsyncGenerator<Descriptor, void, undefined>;
    close(): Promise<void>;
    destroy(): void;
    [Symbol.asyncDispose](): Promise<void>;
}

export interface FdPasserOptions {
    fd?: Handle | readonly [
        Handle,
        Handle
    ];
    onError?: (error: Error | undefined) => void;
    batch?: number;
    reservation?: Reservation;
    dontSetNonblocking?: boolean;
    highWaterMark?: number;
}

export { Handle } from '@anyfork/fdpass'

export declare class PasserError extends Error {
    readonly code: PasserErrorCode;
    constructor(code: PasserErrorCode, message: string);
}

export type PasserErrorCode = 'ERR_PASSER_CLOSED' | 'ERR_PASSER_ENDED';

export type ReceiveCallback = (error: Error | undefined, descriptor?: Descriptor) => void;

export type Reservation = 'sentinel' | 'peek' | 'both';

export interface SendOptions {
    keep?: boolean;
}

export interface WaitOptions {
    signal?: AbortSignal;
}

export declare function accept(listener: Descriptor, options?: WaitOptions): Promise<Descriptor>;

export declare function connect(path: string, options?: WaitOptions): Promise<Descriptor>;

export declare function server(path: string, backlog?: number): Descriptor;

export declare function socketpair(): [
    Descriptor,
    Descriptor
];
