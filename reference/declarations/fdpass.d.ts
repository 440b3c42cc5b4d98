// What @anyfork/fdpass exports. Made by `npm run update --workspace @anyfork/reference`.

export interface AcceptAllOptions {
    reserve?: number;
}

export declare class DeferredWriter {
    constructor(socket: Handle);
    get ticks(): number;
    get isPending(): boolean;
    defer(buffer: Uint8Array, from: number, end: number): void;
    flush(): number;
    stop(): void;
}

export declare class Descriptor implements Disposable {
    constructor(fd: number);
    get fd(): number;
    get isOpen(): boolean;
    release(): number;
    close(): void;
    toSocket(): Socket;
    [Symbol.dispose](): void;
}

export declare class DescriptorReceiver {
    constructor(socket: Handle, options?: ReceiveOptions);
    receive(most: number): Descriptor[] | undefined;
}

export type Handle = number | HasDescriptor | object;

export interface HasDescriptor {
    readonly fd: number;
}

export interface ListenOptions {
    backlog?: number;
}

export declare const MAX_DESCRIPTORS: number;

export interface Message {
    bytes: number;
    descriptors: Descriptor[];
    endOfFile: boolean;
    truncated: boolean;
}

export interface PeerCredentials {
    pid: number;
    uid: number;
    gid: number;
}

export interface ReceiveOptions extends SendOptions {
    peek?: boolean;
}

export interface SendManyOptions extends SendOptions {
    batch?: number;
}

export interface SendOptions {
    dontWait?: boolean;
}

export interface SocketKind {
    isUnix: boolean;
    type: SocketType | undefined;
    isListening: boolean;
}

export type SocketType = 'stream' | 'seqpacket' | 'dgram';

export interface SocketpairOptions {
    type?: SocketType;
}

export interface StoreOptions {
    poll?: boolean;
}

export declare class StreamReceiver {
    readonly descriptors: Descriptor[];
    takesDescriptors: boolean;
    constructor(socket: Handle);
    receive(buffer: Uint8Array, offset?: number, options?: StreamReceiverOptions): number;
    discard(): void;
}

export interface StreamReceiverOptions {
    dontWait?: boolean;
    spin?: number;
    yields?: boolean;
}

export interface SystemError extends Error {
    code: string;
    errno: number;
    syscall: string;
}

export interface SystemdDescriptor {
    name: string;
    descriptor: Descriptor;
}

export interface SystemdDescriptorsOptions {
    keepEnvironment?: boolean;
}

export type SystemdFields = Readonly<Record<string, string | number | bigint>>;

export interface Watch {
    change(events: WatchEvents): void;
    ref(): void;
    unref(): void;
    close(): void;
}

export interface WatchEvents {
    readable?: boolean;
    writable?: boolean;
    hangup?: boolean;
}

export interface WatchOptions {
    keepBlocking?: boolean;
    onClose?: () => void;
}

export declare function accept(listener: Handle): Descriptor;

export declare function acceptAll(listener: Descriptor, options?: AcceptAllOptions): AsyncGenerator<Descriptor, void, undefined>;

export declare function assertUnixSocket(socket: Handle, types?: readonly SocketType[]): void;

export declare function checkRoom(slots: number): void;

export declare function connect(path: string): Descriptor;

export declare function dup(handle: Handle): Descriptor;

export declare function dup2(handle: Handle, number: number): Descriptor;

export declare function hasEnded(socket: Handle): boolean;

export declare function isCloseOnExec(handle: Handle): boolean;

export declare function isNonblocking(handle: Handle): boolean;

export declare function keepPath(server: Handle): void;

export declare function listen(path: string, options?: ListenOptions): Descriptor;

export declare function notifySystemd(fields: SystemdFields, handles?: readonly Handle[]): boolean;

export declare function peerCredentials(socket: Handle): PeerCredentials;

export declare function pipe(): [
    read: Descriptor,
    write: Descriptor
];

export declare function read(handle: Handle, buffer: Uint8Array, offset?: number, length?: number): number;

export declare function receiveBuffer(size: number): Buffer;

export declare function receiveMessage(socket: Handle, buffer: Uint8Array, options?: ReceiveOptions): Message;

export declare function recv(socket: Handle): Descriptor | undefined;

export declare function removeStoredDescriptors(name: string): boolean;

export declare function send(socket: Handle, handle: Handle): void;

export declare function sendMany(socket: Handle, handles: readonly Handle[], options?: SendManyOptions): number;

export declare function sendMessage(socket: Handle, bytes: Uint8Array, handles?: readonly Handle[], options?: SendOptions): number;

export declare function setAsyncOwner(handle: Handle, pid: number): void;

export declare function setCloseOnExec(handle: Handle, on: boolean): void;

export declare function setNonblocking(handle: Handle, on: boolean): void;

export declare function shutdown(socket: Handle, how: 'read' | 'write' | 'both'): void;

export declare function socketKind(socket: Handle): SocketKind;

export declare function socketpair(options?: SocketpairOptions): [
    Descriptor,
    Descriptor
];

export declare function splice(from: Handle, to: Handle, length?: number): number;

export declare function storeDescriptors(name: string, handles: readonly Handle[], options?: StoreOptions): boolean;

export declare function systemdDescriptors(options?: SystemdDescriptorsOptions): SystemdDescriptor[];

export declare function takeListener(server: Server): Descriptor;

export declare function tryWrite(handle: Handle, bytes: Uint8Array, offset?: number, length?: number): number;

export declare function watch(handle: Handle, events: WatchEvents, callback: (ready: Required<WatchEvents>) => void, options?: WatchOptions): Watch;

export declare function write(handle: Handle, bytes: Uint8Array, offset?: number, length?: number): number;
