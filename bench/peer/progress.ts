/** Says what is being done, for whoever waits. */
export type Progress = (text: string) => void;
