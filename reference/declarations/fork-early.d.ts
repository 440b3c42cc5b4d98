// What @anyfork/fork/early exports. Made by `npm run update --workspace @anyfork/reference`.
