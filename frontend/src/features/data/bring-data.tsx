import { Stack } from "@mantine/core";
import { useEffect, useState } from "react";
import { dropUpload, type Created } from "@/api/datasets";
import type { Dataset } from "@/api/shapes";
import { toastError } from "@/ui/toasts";
import { DropArea } from "./drop-area";
import { HubDialog } from "./hub-dialog";
import { NewDataset } from "./new-dataset";
import { PasteDialog } from "./paste-dialog";
import { UploadLine } from "./upload-line";
import { useUpload } from "./use-upload";

interface Props {
  projectId: string;
  dataset: Dataset | null;
  uploadId: string | undefined;
  onUpload: (id: string | undefined) => void;
  onCreated: (created: Created) => void;
  onWorld?: () => void;
}

/** The way of a file into the project: drop, send, map, create. The upload's id lives in the address, so a reload goes on. */
export function BringData({ projectId, dataset, uploadId, onUpload, onCreated, onWorld }: Props) {
  const [dialog, setDialog] = useState<"paste" | "hub" | null>(null);
  const { current, begin, clear } = useUpload(projectId);
  const sent = current?.sending.state === "done" ? current.upload?.id : undefined;
  useEffect(() => {
    if (!sent) return;
    onUpload(sent);
    clear();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- told once, when the file has arrived
  }, [sent]);
  const discard = (): void => {
    if (uploadId) void dropUpload(uploadId).catch(toastError);
    onUpload(undefined);
  };
  return (
    <Stack gap={16}>
      {!uploadId && !current && <DropArea onFile={begin} onPaste={() => setDialog("paste")} onHub={() => setDialog("hub")} onWorld={onWorld} />}
      {current && <UploadLine file={current} />}
      {uploadId && <NewDataset projectId={projectId} uploadId={uploadId} dataset={dataset} onCreated={onCreated} onDiscard={discard} />}
      <PasteDialog opened={dialog === "paste"} onClose={() => setDialog(null)} onFile={begin} />
      <HubDialog projectId={projectId} opened={dialog === "hub"} onClose={() => setDialog(null)} onCreated={onCreated} />
    </Stack>
  );
}
