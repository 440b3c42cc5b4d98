// What @anyfork/fork/template exports. Made by `npm run update --workspace @anyfork/reference`.

export interface TemplateOptions {
    threads?: CopiedThreads;
}

export declare function forkTemplate(options?: TemplateOptions): Promise<ForkProcess>;

export declare const forkingFlags: readonly string[];
